// SPDX-License-Identifier: GPL-2.0
//! Load parameters that show in `/sys/module/<module>/parameters/`.
//!
//! What the kernel's own `module!{ params }` makes is never shown in sysfs and
//! takes no strings. [`params!`] does both: it takes name, range, default and
//! description from the contract in `uapi`, checks what `insmod` is given
//! against them, and writes the `parm` and `parmtype` lines of `modinfo`.
//!
//! The files are read-only (0444): a value is set before the module's `init`
//! runs and never changes afterwards.

use super::text::Escaped;
use crate::uapi::describe::{Module, Parameter, ParameterKind};
use core::cell::UnsafeCell;
use kernel::{
    bindings,
    error::{Result, code::EINVAL, from_result},
    ffi::{c_char, c_int},
    prelude::*,
    str::{BStr, CStr, parse_int::ParseInt},
    sync::atomic::{Atomic, Relaxed},
};

/// A parameter that is a whole number within the range of its description.
pub(crate) struct Integer {
    about: &'static Parameter,
    value: Atomic<i64>,
}

impl Integer {
    /// What the kernel calls to set and to show an [`Integer`].
    pub(crate) const OPS: bindings::kernel_param_ops = bindings::kernel_param_ops {
        flags: 0,
        set: Some(Self::set),
        get: Some(Self::get),
        free: None,
    };

    /// The type as `modinfo` prints it.
    pub(crate) const TYPE: &'static str = "int";

    /// A parameter that has its default value.
    pub(crate) const fn new(about: &'static Parameter) -> Self {
        let ParameterKind::Integer { min, max } = about.kind else {
            panic!("this parameter is described as text");
        };
        let value = decimal(about.default);
        assert!(min <= value && value <= max, "the default is out of range");
        Self {
            about,
            value: Atomic::new(value),
        }
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
        let ParameterKind::Integer { min, max } = self.about.kind else {
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
                    Escaped(given.to_bytes())
                );
                Err(EINVAL)
            }
        }
    }

    /// # Safety
    ///
    /// The kernel calls this with a NUL-terminated string or null, and with the
    /// `kernel_param` that [`params!`] made for an [`Integer`].
    unsafe extern "C" fn set(val: *const c_char, param: *const bindings::kernel_param) -> c_int {
        from_result(|| {
            if val.is_null() {
                return Err(EINVAL);
            }
            // SAFETY: `val` is not null, so it is a string that outlives this call.
            let given = unsafe { CStr::from_char_ptr(val) };
            // SAFETY: `params!` let `arg` point to a static `Integer`.
            let this = unsafe { &*(*param).__bindgen_anon_1.arg.cast::<Self>() };
            this.accept(given).map(|()| 0)
        })
    }

    /// # Safety
    ///
    /// As for [`Self::set`]; `buffer` has a page of room.
    unsafe extern "C" fn get(buffer: *mut c_char, param: *const bindings::kernel_param) -> c_int {
        // SAFETY: `params!` let `arg` point to a static `Integer`.
        let this = unsafe { &*(*param).__bindgen_anon_1.arg.cast::<Self>() };
        // SAFETY: The kernel's buffer is the page of a sysfs file.
        unsafe { bindings::sysfs_emit(buffer, c"%lld\n".as_ptr().cast(), this.value()) }
    }
}

/// A parameter that is a string of at most `MAX` bytes.
pub(crate) struct Text<const MAX: usize> {
    about: &'static Parameter,
    bytes: UnsafeCell<[u8; MAX]>,
    length: Atomic<usize>,
}

// SAFETY: `bytes` is written only while the kernel parses the module's
// arguments: in one thread, before `init` and before sysfs shows the parameter.
unsafe impl<const MAX: usize> Sync for Text<MAX> {}

impl<const MAX: usize> Text<MAX> {
    /// What the kernel calls to set and to show a [`Text`].
    pub(crate) const OPS: bindings::kernel_param_ops = bindings::kernel_param_ops {
        flags: 0,
        set: Some(Self::set),
        get: Some(Self::get),
        free: None,
    };

    /// The type as `modinfo` prints it: what C modules call a string.
    pub(crate) const TYPE: &'static str = "charp";

    /// A parameter that has its default value.
    pub(crate) const fn new(about: &'static Parameter) -> Self {
        let ParameterKind::Text { max } = about.kind else {
            panic!("this parameter is described as a number");
        };
        assert!(max == MAX, "the limit differs from the description's");
        let default = about.default.as_bytes();
        let mut bytes = [0; MAX];
        let mut i = 0;
        while i < default.len() {
            bytes[i] = default[i];
            i += 1;
        }
        Self {
            about,
            bytes: UnsafeCell::new(bytes),
            length: Atomic::new(default.len()),
        }
    }

    /// The value as it was given: any bytes but NUL, not necessarily UTF-8.
    pub(crate) fn value(&self) -> &[u8] {
        // SAFETY: The kernel parses a module's arguments before anything of
        // the module runs, so nobody writes while this reference lives.
        let bytes = unsafe { &*self.bytes.get() };
        let length = self.length.load(Relaxed);
        bytes.get(..length).unwrap_or(bytes)
    }

    /// # Safety
    ///
    /// Nobody may hold what [`Self::value`] returned.
    unsafe fn accept(&self, given: &CStr) -> Result {
        let given = given.to_bytes();
        if given.len() > MAX {
            pr_err!(
                "{} refused (EINVAL): it is {} bytes long, and {MAX} are the most\n",
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

    /// # Safety
    ///
    /// The kernel calls this while it parses the module's arguments, with a
    /// NUL-terminated string or null, and with the `kernel_param` that
    /// [`params!`] made for a [`Text`] of this limit.
    unsafe extern "C" fn set(val: *const c_char, param: *const bindings::kernel_param) -> c_int {
        from_result(|| {
            if val.is_null() {
                return Err(EINVAL);
            }
            // SAFETY: `val` is not null, so it is a string that outlives this call.
            let given = unsafe { CStr::from_char_ptr(val) };
            // SAFETY: `params!` let `arg` point to a static `Text<MAX>`.
            let this = unsafe { &*(*param).__bindgen_anon_1.arg.cast::<Self>() };
            // SAFETY: Nothing of the module runs while its arguments are parsed.
            unsafe { this.accept(given) }.map(|()| 0)
        })
    }

    /// # Safety
    ///
    /// As for [`Self::set`]; `buffer` has a page of room.
    unsafe extern "C" fn get(buffer: *mut c_char, param: *const bindings::kernel_param) -> c_int {
        // SAFETY: `params!` let `arg` point to a static `Text<MAX>`.
        let this = unsafe { &*(*param).__bindgen_anon_1.arg.cast::<Self>() };
        let value = this.value();
        // SAFETY: The kernel's buffer is the page of a sysfs file, and the
        // precision keeps the read within `value`.
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
///     static TERM: Text<63> = "charParameter";
/// }
/// ```
macro_rules! params {
    ($module:path: $(
        $(#[$meta:meta])*
        static $name:ident: $kind:ident $(<$max:literal>)? = $text:literal;
    )+) => { $(
        $(#[$meta])*
        static $name: $crate::support::params::$kind $(::<$max>)? =
            $crate::support::params::$kind $(::<$max>)? ::new(
                $crate::support::params::described(&$module, $text),
            );

        const _: () = {
            static OPS: ::kernel::bindings::kernel_param_ops =
                $crate::support::params::$kind $(::<$max>)? ::OPS;

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
            const TYPE: &str = $crate::support::params::$kind $(::<$max>)? ::TYPE;
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
