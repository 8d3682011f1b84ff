// SPDX-License-Identifier: GPL-2.0
//! Load parameters that show in `/sys/module/<module>/parameters/`.
//!
//! What the kernel's own `module!{ params }` makes is never shown in sysfs and
//! takes no strings. [`params!`] does both: it takes name, range, default and
//! description from the contract in `uapi`, checks what `insmod` is given
//! against them, and writes the `parm` and `parmtype` lines of `modinfo`.
//!
//! `module_param()` in a C file would do the first half, at the price of stating name,
//! default and help of each parameter a second time, and of a range that is checked only
//! when all were taken. What decides between the two is that a parameter stands in one
//! place, and not speed: it is parsed once for each load.
//!
//! The files are read-only (0444): a value is set before the module's `init`
//! runs and never changes afterwards.

use super::text::Excerpt;
use crate::uapi::describe::{LOG_LINE, Module, Parameter, ParameterKind};
use core::cell::UnsafeCell;
use kernel::{
    bindings,
    error::{Result, code::EINVAL, from_result},
    ffi::{c_char, c_int},
    prelude::*,
    str::{BStr, CStr, parse_int::ParseInt},
    sync::atomic::{Atomic, Relaxed},
};

/// A kind of parameter, and how the kernel sets and shows one.
pub(crate) trait Kind: Sync + Sized + 'static {
    /// The type as `modinfo` prints it: as C modules call it.
    const TYPE: &'static str;

    /// Takes what `insmod` was given, or says in the log why not.
    ///
    /// # Errors
    ///
    /// `EINVAL`; the value stays as it was.
    ///
    /// # Safety
    ///
    /// Nobody may use the value meanwhile.
    unsafe fn set(&self, given: &CStr) -> Result;

    /// Writes the value and a newline to the buffer of a sysfs file; how long that is.
    ///
    /// # Safety
    ///
    /// `buffer` must be the page of a sysfs file.
    unsafe fn show(&self, buffer: *mut c_char) -> c_int;

    /// What the kernel calls.
    const OPS: bindings::kernel_param_ops = bindings::kernel_param_ops {
        flags: 0,
        set: Some(set::<Self>),
        get: Some(get::<Self>),
        free: None,
    };
}

/// # Safety
///
/// The kernel calls this while it parses the module's arguments, with a NUL-terminated string or
/// null, and with the `kernel_param` that [`params!`] made for a `T`.
unsafe extern "C" fn set<T: Kind>(
    given: *const c_char,
    param: *const bindings::kernel_param,
) -> c_int {
    from_result(|| {
        if given.is_null() {
            return Err(EINVAL);
        }
        // SAFETY: It is not null, so it is a string that outlives this call.
        let given = unsafe { CStr::from_char_ptr(given) };
        // SAFETY: `params!` let `arg` point to a static `T`.
        let this = unsafe { &*(*param).__bindgen_anon_1.arg.cast::<T>() };
        // SAFETY: Nothing of the module runs while its arguments are parsed.
        unsafe { this.set(given) }.map(|()| 0)
    })
}

/// # Safety
///
/// The kernel calls this with the page of a sysfs file, and with the `kernel_param` that
/// [`params!`] made for a `T`.
unsafe extern "C" fn get<T: Kind>(
    buffer: *mut c_char,
    param: *const bindings::kernel_param,
) -> c_int {
    // SAFETY: `params!` let `arg` point to a static `T`.
    let this = unsafe { &*(*param).__bindgen_anon_1.arg.cast::<T>() };
    // SAFETY: By this function's contract.
    unsafe { this.show(buffer) }
}

/// A parameter that is a whole number within the range of its description.
pub(crate) struct Integer {
    about: &'static Parameter,
    value: Atomic<i64>,
}

impl Integer {
    /// A parameter that has its default value.
    pub(crate) const fn new(about: &'static Parameter) -> Self {
        let Some((min, max)) = range(about.kind) else {
            panic!("this parameter is described as text");
        };
        let value = decimal(about.default);
        assert!(min <= value && value <= max, "the default is out of range");
        Self { about, value: Atomic::new(value) }
    }

    /// The value, which lies within the range of its description.
    pub(crate) fn value(&self) -> i64 {
        self.value.load(Relaxed)
    }

    /// Takes what `insmod` was given, or says in the log why not.
    ///
    /// # Errors
    ///
    /// `EINVAL`; the value stays as it was.
    pub(crate) fn accept(&self, given: &CStr) -> Result {
        let Some((min, max)) = range(self.about.kind) else {
            return Err(EINVAL);
        };
        match i64::from_str(BStr::from_bytes(given.to_bytes())) {
            Ok(value) if (min..=max).contains(&value) => {
                self.value.store(value, Relaxed);
                Ok(())
            }
            _ => {
                pr_err!(
                    "{}={} refused (EINVAL): it takes a whole number from {min} to {max}\n",
                    self.about.name,
                    Excerpt(given.to_bytes())
                );
                Err(EINVAL)
            }
        }
    }
}

impl Kind for Integer {
    const TYPE: &'static str = "int";

    unsafe fn set(&self, given: &CStr) -> Result {
        self.accept(given)
    }

    unsafe fn show(&self, buffer: *mut c_char) -> c_int {
        // SAFETY: By this function's contract.
        unsafe { bindings::sysfs_emit(buffer, c"%lld\n".as_ptr().cast(), self.value()) }
    }
}

/// The smallest and the largest value of a number.
const fn range(kind: ParameterKind) -> Option<(i64, i64)> {
    match kind {
        ParameterKind::Integer { min, max } => Some((min, max)),
        ParameterKind::Microseconds { max } => Some((0, max as i64)),
        ParameterKind::Text { .. } => None,
    }
}

/// A parameter that is a string, of no more bytes than a line of the log holds.
pub(crate) struct Text {
    about: &'static Parameter,
    bytes: UnsafeCell<[u8; LOG_LINE]>,
    length: Atomic<usize>,
}

// SAFETY: `bytes` is written only while the kernel parses the module's
// arguments: in one thread, before `init` and before sysfs shows the parameter.
unsafe impl Sync for Text {}

impl Text {
    /// A parameter that has its default value.
    pub(crate) const fn new(about: &'static Parameter) -> Self {
        let ParameterKind::Text { max } = about.kind else {
            panic!("this parameter is described as a number");
        };
        assert!(max <= LOG_LINE, "the log could not show it");
        let default = about.default.as_bytes();
        let mut bytes = [0; LOG_LINE];
        let mut i = 0;
        while i < default.len() {
            bytes[i] = default[i];
            i += 1;
        }
        Self { about, bytes: UnsafeCell::new(bytes), length: Atomic::new(default.len()) }
    }

    /// The value as it was given: any bytes but NUL, not necessarily UTF-8.
    pub(crate) fn value(&self) -> &[u8] {
        // SAFETY: The kernel parses a module's arguments before anything of
        // the module runs, so nobody writes while this reference lives.
        let bytes = unsafe { &*self.bytes.get() };
        let length = self.length.load(Relaxed);
        bytes.get(..length).unwrap_or(bytes)
    }
}

impl Kind for Text {
    const TYPE: &'static str = "charp";

    unsafe fn set(&self, given: &CStr) -> Result {
        let ParameterKind::Text { max } = self.about.kind else {
            return Err(EINVAL);
        };
        let given = given.to_bytes();
        if given.len() > max {
            pr_err!(
                "{} refused (EINVAL): it is {} bytes long, and {max} are the most\n",
                self.about.name,
                given.len()
            );
            return Err(EINVAL);
        }
        // SAFETY: By this function's contract there is no other reference.
        let bytes = unsafe { &mut *self.bytes.get() };
        for (to, from) in bytes.iter_mut().zip(given) {
            *to = *from;
        }
        self.length.store(given.len(), Relaxed);
        Ok(())
    }

    unsafe fn show(&self, buffer: *mut c_char) -> c_int {
        let value = self.value();
        // SAFETY: By this function's contract; and the precision keeps the read within `value`.
        unsafe {
            bindings::sysfs_emit(
                buffer,
                c"%.*s\n".as_ptr().cast(),
                value.len() as c_int,
                value.as_ptr(),
            )
        }
    }
}

/// The description of the parameter `name` of `module`.
pub(crate) const fn described(module: &Module, name: &str) -> &'static Parameter {
    let mut i = 0;
    while i < module.parameters.len() {
        if same(module.parameters[i].name.as_bytes(), name.as_bytes()) {
            return &module.parameters[i];
        }
        i += 1;
    }
    panic!("the contract does not describe a parameter of this name");
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// The value of a default, which the contract writes in decimal digits.
const fn decimal(text: &str) -> i64 {
    let text = text.as_bytes();
    assert!(!text.is_empty(), "a number has a default");
    let mut value = 0;
    let mut i = 0;
    while i < text.len() {
        assert!(text[i].is_ascii_digit(), "the default is no number");
        value = value * 10 + (text[i] - b'0') as i64;
        i += 1;
    }
    value
}

/// Strings put together at compile time, for the section `.modinfo`.
pub(crate) const fn joined<const LENGTH: usize>(parts: &[&str]) -> [u8; LENGTH] {
    let mut out = [0; LENGTH];
    let mut at = 0;
    let mut part = 0;
    while part < parts.len() {
        let bytes = parts[part].as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            out[at] = bytes[i];
            at += 1;
            i += 1;
        }
        part += 1;
    }
    assert!(at == LENGTH, "the length was not that of the parts");
    out
}

/// Declares load parameters that `uapi` describes.
///
/// ```ignore
/// params! { uapi::my_name::MODULE:
///     static YEAR: Integer = "intParameter";
///     static TERM: Text = "charParameter";
/// }
/// ```
macro_rules! params {
    ($module:path: $(
        $(#[$meta:meta])*
        static $name:ident: $kind:ident = $text:literal;
    )+) => { $(
        $(#[$meta])*
        static $name: $crate::support::params::$kind = $crate::support::params::$kind::new(
            $crate::support::params::described(&$module, $text),
        );

        const _: () = {
            static OPS: ::kernel::bindings::kernel_param_ops =
                <$crate::support::params::$kind as $crate::support::params::Kind>::OPS;

            // The static's name does not matter, its section does: the kernel
            // takes all of `__param` as one array.
            #[link_section = "__param"]
            #[used(compiler)]
            static PARAM: ::kernel::module_param::KernelParam =
                ::kernel::module_param::KernelParam::new(::kernel::bindings::kernel_param {
                    name: concat!($text, "\0").as_ptr().cast(),
                    mod_: ::kernel::module::this_module::<$crate::LocalModule>().as_ptr(),
                    ops: ::core::ptr::from_ref(&OPS),
                    perm: 0o444,
                    level: -1,
                    flags: 0,
                    __bindgen_anon_1: ::kernel::bindings::kernel_param__bindgen_ty_1 {
                        arg: ::core::ptr::from_ref(&$name).cast_mut().cast(),
                    },
                });

            const HELP: &str = $crate::support::params::described(&$module, $text).help;
            const TYPE: &str =
                <$crate::support::params::$kind as $crate::support::params::Kind>::TYPE;
            const PARM: &[&str] = &["parm=", $text, ":", HELP, "\0"];
            const PARMTYPE: &[&str] = &["parmtype=", $text, ":", TYPE, "\0"];

            #[link_section = ".modinfo"]
            #[used(compiler)]
            static PARM_INFO: [u8; concat!("parm=", $text, ":\0").len() + HELP.len()] =
                $crate::support::params::joined(PARM);

            #[link_section = ".modinfo"]
            #[used(compiler)]
            static PARMTYPE_INFO: [u8; concat!("parmtype=", $text, ":\0").len() + TYPE.len()] =
                $crate::support::params::joined(PARMTYPE);
        };
    )+ };
}
pub(crate) use params;
