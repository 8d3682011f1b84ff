// SPDX-License-Identifier: GPL-2.0
// The part of Ringside's support code that modules of others build on, version 1.
//
// A module takes it in with one line at its crate root:
//
//     include!(concat!(env!("RINGSIDE_SUPPORT"), "/v1.rs"));
//
// `ringside build` sets the variable. What `ringside::` names here stays as it
// is: names may be added, none changes or goes. A change that would break a
// module becomes v2.rs, beside this file. tests/author/published holds a module
// that was written against version 1 and must build for ever.

/// What a module may use.
#[allow(unused_imports, reason = "no module needs all of it")]
mod ringside {
    pub(crate) use crate::{
        support::sysfs::{
            Folders, //
            Shows,
        },
        uapi::describe::{
            Control, //
            Counter,
            Module as About,
            Unit,
        },
    };
}

#[path = "../support"]
#[allow(dead_code, unused_imports, unused_macros, reason = "no module needs all of it")]
mod support {
    pub(crate) mod sysfs;
    pub(crate) mod text;
}

#[path = "../../uapi/src"]
#[allow(
    dead_code, //
    unreachable_pub,
    unused_imports,
    unused_macros,
    reason = "no module needs all of it"
)]
mod uapi {
    pub(crate) mod describe;
}
