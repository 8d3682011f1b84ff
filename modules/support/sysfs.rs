// SPDX-License-Identifier: GPL-2.0
//! The folders `/sys/module/<module>/{counters,controls}/`.
//!
//! A module says what it shows by implementing [`Shows`]; names, ranges and
//! record sizes come from the contract in `uapi`. Counters are text files with
//! one value, readable by all; controls are text files that only root may read
//! and write; tables are binary files in the folder of the counters, arrays of
//! records that are read by offset.
//!
//! A value that [`Folders`] owns cannot vanish while a file is being read: the
//! removal of a folder waits for the callbacks that run. So a control's
//! callback may sleep, but must end by itself, and must not drop the folders.

use super::text::Escaped;
use crate::uapi::describe::{Control, Counter, Module, Table};
use core::{marker::PhantomPinned, pin::Pin};
use kernel::{
    bindings,
    ffi::{CStr, c_char},
    prelude::*,
    str::CString,
    sync::Arc,
    transmute::AsBytes,
};

/// What a module shows in sysfs. Every method may be called at any moment from
/// any number of threads while the [`Folders`] live.
pub(crate) trait Shows: Send + Sync + 'static {
    /// The contract: what must be shown.
    const MODULE: &'static Module;

    /// The value of a counter, or `None` if there is none of that name.
    fn counter(&self, name: &str) -> Option<u64>;

    /// The value of a control, or `None` if there is none of that name.
    fn control(&self, _name: &str) -> Option<u64> {
        None
    }

    /// Sets a control to a value within its range.
    fn set_control(&self, _name: &str, _value: u64) -> Result {
        Err(ENOENT)
    }

    /// How many records a table has for as long as the module is loaded, or
    /// `None` if there is no table of that name.
    fn table(&self, _name: &str) -> Option<usize> {
        None
    }

    /// Writes the records of a table from number `first` on, until there are no
    /// more or `rows` is full.
    fn read_table(&self, _name: &str, _first: usize, _rows: &mut Rows<'_>) {}
}

/// Where the records of a table go.
pub(crate) struct Rows<'a> {
    room: &'a mut [u8],
    record: usize,
    used: usize,
}

impl Rows<'_> {
    /// How many more records fit.
    pub(crate) fn room(&self) -> usize {
        let left = self.room.len().saturating_sub(self.used);
        left.checked_div(self.record).unwrap_or(0)
    }

    /// Adds one record. One that does not fit, or that has another size than
    /// the contract says, is left out.
    pub(crate) fn push<R: AsBytes>(&mut self, record: &R) {
        let record = record.as_bytes();
        let room = self.room.get_mut(self.used..).unwrap_or_default();
        if let (true, Some(to)) = (record.len() == self.record, room.get_mut(..record.len())) {
            to.copy_from_slice(record);
            self.used += record.len();
        }
    }
}

/// Lets a `#[repr(C)]` struct of the contract be a table's record: checks that
/// the fields named are all of it, with no padding between them.
#[allow(unused_macros, reason = "not every module has tables")]
macro_rules! record {
    ($record:path { $($field:ident: $type:ty),+ $(,)? }) => {
        const _: () = {
            assert!(
                ::core::mem::size_of::<$record>() == 0 $(+ ::core::mem::size_of::<$type>())+,
                "a record has no padding",
            );
            const fn plain<T: ::kernel::transmute::AsBytes>(_: &T) {}
            const fn check(record: &$record) {
                let $record { $($field),+ } = record;
                $(plain::<$type>($field);)+
            }
            // SAFETY: All fields are `AsBytes`, and their sizes add up to that
            // of the struct, so there is no padding.
            unsafe impl ::kernel::transmute::AsBytes for $record {}
            let _ = check;
        };
    };
}
#[allow(unused_imports, reason = "not every module has tables")]
pub(crate) use record;

/// The folders of a module. They vanish when this is dropped, which waits for
/// the readers and writers that are inside a file just then.
///
/// As all registrations of the kernel's Rust code it must not be leaked: the
/// module's code goes, and the files would stay.
pub(crate) struct Folders<T: Shows> {
    // Controls go first: they may wait for what counters only look at.
    _controls: Option<Pin<KBox<Folder<T>>>>,
    _counters: Option<Pin<KBox<Folder<T>>>>,
}

impl<T: Shows> Folders<T> {
    /// Makes the folders that the contract demands of this module.
    ///
    /// # Errors
    ///
    /// `EINVAL` where `state` lacks something that the contract promises,
    /// `ENOMEM`, or what sysfs says.
    pub(crate) fn new(module: &'static ThisModule, state: &Arc<T>) -> Result<Self> {
        let about = T::MODULE;
        let counters = if about.counters.is_empty() && about.tables.is_empty() {
            None
        } else {
            let mut folder = Folder::new(c"counters", about.counters.len(), about.tables.len())?;
            for counter in about.counters {
                folder.add_file(File::counter(counter, state)?)?;
            }
            for table in about.tables {
                folder.add_table(TableFile::new(table, state)?)?;
            }
            Some(folder.register(module)?)
        };
        let controls = if about.controls.is_empty() {
            None
        } else {
            let mut folder = Folder::new(c"controls", about.controls.len(), 0)?;
            for control in about.controls {
                folder.add_file(File::control(control, state)?)?;
            }
            Some(folder.register(module)?)
        };
        Ok(Self {
            _controls: controls,
            _counters: counters,
        })
    }
}

/// What a text file is.
enum Kind {
    Counter(&'static Counter),
    Control(&'static Control),
}

/// A text file. The kernel gives us back a pointer to `attribute`, which is a
/// pointer to the whole.
#[repr(C)]
struct File<T: Shows> {
    attribute: bindings::module_attribute,
    kind: Kind,
    state: Arc<T>,
    _name: CString,
}

impl<T: Shows> File<T> {
    fn new(name: &'static str, mode: u16, kind: Kind, state: &Arc<T>) -> Result<Self> {
        let c_name = CString::try_from_fmt(fmt!("{name}"))?;
        let mut attribute = bindings::module_attribute::default();
        attribute.attr = named(&c_name, mode);
        attribute.show = Some(Self::show);
        if matches!(kind, Kind::Control(_)) {
            attribute.store = Some(Self::store);
        }
        Ok(Self {
            attribute,
            kind,
            state: state.clone(),
            _name: c_name,
        })
    }

    fn counter(counter: &'static Counter, state: &Arc<T>) -> Result<Self> {
        state
            .counter(counter.name)
            .ok_or_else(|| promised("counter", counter.name))?;
        Self::new(counter.name, 0o444, Kind::Counter(counter), state)
    }

    fn control(control: &'static Control, state: &Arc<T>) -> Result<Self> {
        state
            .control(control.name)
            .ok_or_else(|| promised("control", control.name))?;
        Self::new(control.name, 0o600, Kind::Control(control), state)
    }

    /// # Safety
    ///
    /// The kernel calls this with the attribute of a [`File`] that is
    /// registered, and with a buffer of one page.
    unsafe extern "C" fn show(
        attribute: *const bindings::module_attribute,
        _module: *mut bindings::module_kobject,
        buffer: *mut c_char,
    ) -> isize {
        // SAFETY: `attribute` is the first field of a `File<T>`, which lives
        // until its folder has been removed, and that waits for us.
        let this = unsafe { &*attribute.cast::<Self>() };
        let value = match this.kind {
            Kind::Counter(counter) => this.state.counter(counter.name),
            Kind::Control(control) => this.state.control(control.name),
        };
        // SAFETY: `buffer` is the page of a sysfs file.
        let written = unsafe {
            bindings::sysfs_emit(buffer, c"%llu\n".as_ptr().cast(), value.unwrap_or_default())
        };
        written as isize
    }

    /// # Safety
    ///
    /// The kernel calls this with the attribute of a [`File`] that is
    /// registered, and with a NUL-terminated buffer of `count` bytes.
    unsafe extern "C" fn store(
        attribute: *const bindings::module_attribute,
        _module: *mut bindings::module_kobject,
        buffer: *const c_char,
        count: usize,
    ) -> isize {
        // SAFETY: As in `show`.
        let this = unsafe { &*attribute.cast::<Self>() };
        // SAFETY: kernfs puts a NUL behind what was written.
        let given = unsafe { CStr::from_ptr(buffer.cast()) };
        match this.set(given) {
            Ok(()) => count as isize,
            Err(error) => error.to_errno() as isize,
        }
    }

    fn set(&self, given: &CStr) -> Result {
        let Kind::Control(control) = self.kind else {
            return Err(EIO);
        };
        let mut value = 0;
        // SAFETY: `given` is NUL-terminated and `value` is ours.
        let parsed = unsafe { bindings::kstrtoull(given.as_ptr().cast(), 0, &mut value) };
        if parsed != 0 || !(control.min..=control.max).contains(&value) {
            pr_warn!(
                "{}: {} refused (EINVAL): it takes a whole number from {} to {}\n",
                control.name,
                Escaped(given.to_bytes().trim_ascii()),
                control.min,
                control.max,
            );
            return Err(EINVAL);
        }
        self.state.set_control(control.name, value)
    }
}

/// A binary file: an array of records.
#[repr(C)]
struct TableFile<T: Shows> {
    attribute: bindings::bin_attribute,
    table: &'static Table,
    state: Arc<T>,
    _name: CString,
}

impl<T: Shows> TableFile<T> {
    fn new(table: &'static Table, state: &Arc<T>) -> Result<Self> {
        let rows = state
            .table(table.name)
            .ok_or_else(|| promised("table", table.name))?;
        let name = CString::try_from_fmt(fmt!("{}", table.name))?;
        let mut attribute = bindings::bin_attribute::default();
        attribute.attr = named(&name, 0o444);
        attribute.size = rows.checked_mul(table.record).ok_or(EOVERFLOW)?;
        attribute.read = Some(Self::read);
        Ok(Self {
            attribute,
            table,
            state: state.clone(),
            _name: name,
        })
    }

    /// # Safety
    ///
    /// The kernel calls this with the attribute of a [`TableFile`] that is
    /// registered, with a buffer of `count` bytes, and with an offset that is
    /// not negative.
    unsafe extern "C" fn read(
        _file: *mut bindings::file,
        _kobject: *mut bindings::kobject,
        attribute: *const bindings::bin_attribute,
        buffer: *mut c_char,
        offset: bindings::loff_t,
        count: usize,
    ) -> isize {
        // SAFETY: `attribute` is the first field of a `TableFile<T>`, which
        // lives until its folder has been removed, and that waits for us.
        let this = unsafe { &*attribute.cast::<Self>() };
        // SAFETY: `buffer` has `count` bytes. They are initialised first, as a
        // reference to them demands.
        let buffer = unsafe {
            core::ptr::write_bytes(buffer, 0, count);
            core::slice::from_raw_parts_mut(buffer.cast::<u8>(), count)
        };
        this.fill(offset as usize, buffer) as isize
    }

    /// Reads as many whole records as fit, so that none is torn between two
    /// reads; the rest of one where the offset lies within it.
    fn fill(&self, offset: usize, buffer: &mut [u8]) -> usize {
        let record = self.table.record;
        let (Some(first), Some(inside)) = (offset.checked_div(record), offset.checked_rem(record))
        else {
            return 0;
        };
        if inside == 0 && buffer.len() >= record {
            return self.rows(first, buffer);
        }
        let mut whole = [0; RECORD_MAX];
        let Some(whole) = whole.get_mut(..record) else {
            return 0;
        };
        let read = self.rows(first, whole);
        let Some(rest) = whole.get(inside..read) else {
            return 0;
        };
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        rest.len().min(buffer.len())
    }

    fn rows(&self, first: usize, room: &mut [u8]) -> usize {
        let mut rows = Rows {
            room,
            record: self.table.record,
            used: 0,
        };
        self.state.read_table(self.table.name, first, &mut rows);
        rows.used
    }
}

/// The largest record of a table, in bytes.
const RECORD_MAX: usize = 64;

/// A folder below the module's own, with its files. It is registered from
/// [`Folder::register`] on, and from there on nothing in it moves.
struct Folder<T: Shows> {
    name: &'static CStr,
    files: KVec<File<T>>,
    tables: KVec<TableFile<T>>,
    group: bindings::attribute_group,
    attributes: KVec<*mut bindings::attribute>,
    bin_attributes: KVec<*const bindings::bin_attribute>,
    registered: Option<&'static ThisModule>,
    // sysfs points to `group` and what it points to.
    _pinned: PhantomPinned,
}

// SAFETY: The raw pointers point to what the folder itself owns, and nobody but
// the kernel follows them. Files hold an `Arc` of a state that is `Sync`.
unsafe impl<T: Shows> Send for Folder<T> {}
// SAFETY: As above; there is no method that takes `&self`.
unsafe impl<T: Shows> Sync for Folder<T> {}

impl<T: Shows> Folder<T> {
    fn new(name: &'static CStr, files: usize, tables: usize) -> Result<Self> {
        Ok(Self {
            name,
            files: KVec::with_capacity(files, GFP_KERNEL)?,
            tables: KVec::with_capacity(tables, GFP_KERNEL)?,
            group: bindings::attribute_group::default(),
            attributes: KVec::with_capacity(files + 1, GFP_KERNEL)?,
            bin_attributes: KVec::with_capacity(tables + 1, GFP_KERNEL)?,
            registered: None,
            _pinned: PhantomPinned,
        })
    }

    fn add_file(&mut self, file: File<T>) -> Result {
        Ok(self.files.push(file, GFP_KERNEL)?)
    }

    fn add_table(&mut self, table: TableFile<T>) -> Result {
        Ok(self.tables.push(table, GFP_KERNEL)?)
    }

    /// Shows the folder in sysfs.
    fn register(mut self, module: &'static ThisModule) -> Result<Pin<KBox<Self>>> {
        // The files stand in heap memory that does not move with `self`, and
        // nothing is added to the vectors any more.
        for file in self.files.iter_mut() {
            // The first field of the first field: a pointer to the whole.
            self.attributes
                .push(core::ptr::from_mut(file).cast(), GFP_KERNEL)?;
        }
        self.attributes.push(core::ptr::null_mut(), GFP_KERNEL)?;
        for table in self.tables.iter() {
            self.bin_attributes
                .push(core::ptr::from_ref(table).cast(), GFP_KERNEL)?;
        }
        self.bin_attributes.push(core::ptr::null(), GFP_KERNEL)?;
        self.group.name = self.name.as_ptr().cast();
        self.group.__bindgen_anon_2.attrs = self.attributes.as_mut_ptr();
        self.group.bin_attrs = self.bin_attributes.as_ptr();

        let mut folder = KBox::pin(self, GFP_KERNEL)?;
        // SAFETY: Nothing is moved out of the pinned folder.
        let this = unsafe { folder.as_mut().get_unchecked_mut() };
        // SAFETY: The module's kobject exists from before `init` until after
        // the module's data was dropped. The group and all that it points to
        // stay where they are until `drop` has removed it.
        kernel::error::to_result(unsafe {
            bindings::sysfs_create_group(kobject(module), &this.group)
        })?;
        this.registered = Some(module);
        Ok(folder)
    }
}

impl<T: Shows> Drop for Folder<T> {
    fn drop(&mut self) {
        if let Some(module) = self.registered {
            // SAFETY: The group was created on this kobject, and we are not
            // inside one of its callbacks: those only borrow the state.
            unsafe { bindings::sysfs_remove_group(kobject(module), &self.group) };
        }
    }
}

fn kobject(module: &'static ThisModule) -> *mut bindings::kobject {
    // SAFETY: `ThisModule` points to the module that this code belongs to. Only
    // the address of a field is taken.
    unsafe { &raw mut (*module.as_ptr()).mkobj.kobj }
}

/// An attribute of that name. `name` must live as long as the attribute is used.
fn named(name: &CString, mode: u16) -> bindings::attribute {
    let mut attribute = bindings::attribute::default();
    attribute.name = name.as_ptr().cast();
    attribute.mode = mode;
    // lockdep wants a key in static memory for an attribute that is not.
    #[cfg(CONFIG_DEBUG_LOCK_ALLOC)]
    {
        attribute.key = kernel::static_lock_class!().as_ptr();
    }
    attribute
}

fn promised(what: &str, name: &str) -> Error {
    pr_err!("the contract promises the {what} {name}, but the module has none\n");
    EINVAL
}
