// SPDX-License-Identifier: GPL-2.0
//! my_name: says hello when it is loaded and goodbye when it is unloaded.
//!
//! The smallest module that has everything a module needs: parameters, a
//! message in the kernel log, a counter, and an unload that leaves nothing
//! behind. Start reading here.
//!
//! Try it, as root:
//!
//! ```text
//! # modinfo my_name.ko
//! # insmod my_name.ko charParameter="Summer" intParameter=2025
//! # dmesg | tail -n 1
//! my_name: Hello, I am Ringside, a student of CSE330 Summer 2025
//! # cat /sys/module/my_name/parameters/charParameter
//! Summer
//! # cat /sys/module/my_name/counters/greetings
//! 1
//! # rmmod my_name
//! ```

use kernel::{
    fmt,
    prelude::*,
    sync::{
        Arc,
        atomic::{Atomic, Relaxed},
    },
};
use support::{
    params::params,
    sysfs::{Folders, Shows},
    text::{Escaped, length},
};
use uapi::describe::LOG_LINE;

#[path = "../support/mod.rs"]
mod support;

#[path = "../../uapi/src"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "a crate elsewhere, whole; not all of it is used here"
)]
mod uapi {
    pub(crate) mod describe;
    pub(crate) mod my_name;
}

module! {
    type: MyName,
    name: "my_name",
    authors: ["The Ringside authors"],
    description: "Says hello with the parameters it was loaded with",
    license: "GPL",
}

params! { uapi::my_name::MODULE:
    static YEAR: Integer = "intParameter";
    static TERM: Text = "charParameter";
    static NAME: Text = "name";
}

/// What is said at the beginning.
struct Hello;

impl fmt::Display for Hello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_fmt(fmt!(
            "Hello, I am {}, a student of CSE330 {} {}",
            Escaped(NAME.value()),
            Escaped(TERM.value()),
            YEAR.value(),
        ))
    }
}

/// What the module counts.
struct Greetings(Atomic<u64>);

impl Greetings {
    /// Says hello; `EINVAL` if that is more than a line of the log holds.
    fn say_hello(&self) -> Result {
        let length = "my_name: ".len() + length(fmt!("{Hello}"));
        if length > LOG_LINE {
            pr_err!(
                "refused (EINVAL): a greeting of {length} bytes, and {LOG_LINE} are the most\n"
            );
            return Err(EINVAL);
        }
        pr_info!("{Hello}\n");
        self.0.add(1, Relaxed);
        Ok(())
    }
}

impl Shows for Greetings {
    const MODULE: &'static uapi::describe::Module = &uapi::my_name::MODULE;

    fn counter(&self, name: &str) -> Option<u64> {
        match name {
            "greetings" => Some(self.0.load(Relaxed)),
            _ => None,
        }
    }
}

/// The module while it is loaded.
struct MyName {
    _folders: Folders<Greetings>,
}

impl kernel::Module for MyName {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let greetings = Arc::new(Greetings(Atomic::new(0)), GFP_KERNEL)?;
        let folders = Folders::new(module, &greetings)?;
        greetings.say_hello()?;
        Ok(Self { _folders: folders })
    }
}

impl Drop for MyName {
    fn drop(&mut self) {
        pr_info!("Goodbye from {}\n", Escaped(NAME.value()));
    }
}

#[kunit_tests(my_name_parameters)]
mod tests {
    use super::*;
    use kernel::str::CString;
    use support::params::{Integer, described};

    fn year() -> Integer {
        Integer::new(described(&uapi::my_name::MODULE, "intParameter"))
    }

    #[test]
    fn a_parameter_that_was_not_given_has_its_default() {
        assert_eq!(year().value(), 2025);
    }

    #[test]
    fn the_whole_range_is_accepted() -> Result {
        let year = year();
        for (given, value) in [
            (c"-2147483648", i64::from(i32::MIN)),
            (c"2147483647", i64::from(i32::MAX)),
            (c"0x10", 16),
            (c"0", 0),
        ] {
            year.accept(given)?;
            assert_eq!(year.value(), value);
        }
        Ok(())
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let year = year();
        for given in [
            c"2147483648",
            c"-2147483649",
            c"99999999999999999999",
            c"",
            c"-",
            c"1.5",
            c" 1",
            c"Spring",
        ] {
            assert!(year.accept(given).is_err());
            assert_eq!(year.value(), 2025);
        }
    }

    #[test]
    fn text_cannot_forge_a_log_line() -> Result {
        for (given, shown) in [
            (&b"S\xc3\xbc\xc3\x9f"[..], &b"S\xc3\xbc\xc3\x9f"[..]),
            (b"a\n<0>b\r\t", b"a\\n<0>b\\r\\t"),
            (b"\x1b[31m\xff", b"\\x1b[31m\\xff"),
            (b"\xc2\x9b", b"\\x9b"),
            (b"", b""),
        ] {
            let text = CString::try_from_fmt(fmt!("{}", Escaped(given)))?;
            assert_eq!(text.to_bytes(), shown);
        }
        Ok(())
    }
}
