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
    prelude::*,
    sync::{
        Arc,
        atomic::{Atomic, Relaxed},
    },
};
use support::{
    params::params,
    sysfs::{Folders, Shows},
    text::Escaped,
};

#[path = "../support"]
mod support {
    mod layout;
    pub(crate) mod params;
    #[allow(dead_code, unused_imports, reason = "this module has no tables")]
    pub(crate) mod sysfs;
    pub(crate) mod text;
}

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
    static TERM: Text<63> = "charParameter";
    static NAME: Text<63> = "name";
}

/// What the module counts.
struct Greetings(Atomic<u64>);

impl Greetings {
    fn say_hello(&self) {
        pr_info!(
            "Hello, I am {}, a student of CSE330 {} {}\n",
            Escaped(NAME.value()),
            Escaped(TERM.value()),
            YEAR.value(),
        );
        self.0.add(1, Relaxed);
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
        greetings.say_hello();
        Ok(Self { _folders: folders })
    }
}

impl Drop for MyName {
    fn drop(&mut self) {
        pr_info!("Goodbye from {}\n", Escaped(NAME.value()));
    }
}
