// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel this process runs on.
//!
//! Each request runs on a thread of its own, so that one that hangs in the
//! kernel holds up no other and can be given up. Nothing here keeps a device
//! or a module open between requests, but for the log and the counters while
//! they are watched, neither of which keeps a module from being unloaded.

mod block;
mod counters;
mod files;
mod holders;
mod host;
mod host_use;
mod inventory;
mod kernel;
mod kmsg;
mod load;
mod modules;
mod moment;
mod oops;
mod process;
mod run;
mod sampler;
pub(crate) mod subject_link;
mod subjects;
mod syscall;
mod sysfs;
mod task;
mod threads;
pub(crate) mod trace;
mod wake;

use std::sync::Arc;

use self::oops::Oopses;
use self::subjects::Subjects;
use self::task::{LocalCall, NoInput, Task};
use self::wake::Guest;
use super::api::{Item, Request};
use super::call::{Call, Sink, Target};
use super::error::{TargetError, TargetResult};
use super::modinfo::module_name;

pub use self::files::guest as is_guest;
pub(crate) use self::process::{AGENT_NICE, spare_from_oom};

/// Requests to this kernel.
#[derive(Default)]
pub struct Local {
    subjects: Arc<Subjects>,
    guest: Arc<Guest>,
    oopses: Arc<Oopses>,
}

impl Local {
    /// The kernel this process runs on.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Target for Local {
    fn start(&self, request: Request, mut sink: Sink) -> TargetResult<Call> {
        let request = in_the_kernels_words(request);
        let (subjects, guest) = (Arc::clone(&self.subjects), Arc::clone(&self.guest));
        let oopses = Arc::clone(&self.oopses);
        match request {
            Request::Load { name, parameters } => load::start(name, parameters, oopses, sink),
            Request::Run(request) => run::start(request, guest, sink),
            Request::Kmsg { from, follow } => kmsg::start(from, follow, sink),
            Request::Subject => subjects::start(subjects, sink),
            Request::TakeSubject { pid } => subjects::take_up(&subjects, pid, sink),
            Request::Trace { module, functions, interval_ms } => {
                trace::start(module, functions, interval_ms, sink)
            }
            // On the thread that reads: what is asked is whether that one lives.
            Request::Ping => {
                sink(Item::Done(Ok(())));
                Ok(Call::over())
            }
            request => {
                let task = Task::new(sink);
                // The name is what the kernel calls the caller, in the log too.
                let doing = risky(&request);
                let work = move |task: &Task| answer(request, &subjects, &guest, &oopses, task);
                match doing {
                    Some(doing) => task.spawn_watched("ringside", doing, work)?,
                    None => task.spawn("ringside", work)?,
                }
                Ok(Call::new(Arc::new(LocalCall::new(task, NoInput))))
            }
        }
    }
}

/// Names of modules as the kernel has them, which makes underscores of dashes.
fn in_the_kernels_words(mut request: Request) -> Request {
    // A path is no name, and is refused as it is.
    let module_name = |name: &str| match name.contains('/') {
        true => name.to_owned(),
        false => module_name(name),
    };
    match &mut request {
        Request::Module { name } | Request::Unload { name } | Request::Holders { name } => {
            *name = module_name(name);
        }
        Request::SetParameter { module, parameter, .. } => {
            *module = module_name(module);
            *parameter = parameter.replace('-', "_");
        }
        Request::Set { module, .. } | Request::Trace { module, .. } => {
            *module = module_name(module);
        }
        Request::Counters { module } => *module = module.as_deref().map(module_name),
        Request::Watch { modules, tables, .. } => {
            modules.iter_mut().for_each(|name| *name = module_name(name));
            tables.iter_mut().for_each(|table| table.module = module_name(&table.module));
        }
        _ => {}
    }
    request
}

/// What a request has a module do, where that may run into a bug of the module's.
fn risky(request: &Request) -> Option<String> {
    Some(match request {
        Request::Unload { name } => format!("unload {name}"),
        Request::SetParameter { module, parameter, .. } => format!("set {parameter} of {module}"),
        Request::Set { module, control, .. } => format!("set {control} of {module}"),
        Request::Counters { .. } => "read the counters".into(),
        Request::CallSyscall { .. } => "make the system call".into(),
        Request::SetSyscallMessage { .. } => "set the system call's message".into(),
        Request::Block(_) => "use /dev/kmod".into(),
        _ => return None,
    })
}

/// Answers a request that takes no input.
fn answer(
    request: Request,
    subjects: &Subjects,
    guest: &Guest,
    oopses: &Oopses,
    task: &Task,
) -> TargetResult<()> {
    let item = match request {
        Request::Kernel => Item::Kernel(kernel::info()),
        Request::Modules => Item::Modules(modules::list(oopses)?),
        Request::Module { name } => Item::Module(modules::detail(&name, oopses)?),
        Request::Unload { name } => return load::unload(&name, oopses),
        Request::Holders { name } => Item::Holders(holders::of(&name, oopses)?),
        Request::SetParameter { module, parameter, value } => {
            return modules::set_parameter(&module, &parameter, &value);
        }
        Request::Counters { module } => Item::Sample(counters::sample(module.as_deref())?),
        Request::Watch { interval_ms, modules, tables } => {
            return counters::watch(interval_ms, modules, tables, task);
        }
        Request::Set { module, control, value } => return counters::set(&module, &control, &value),
        Request::Syscall => Item::Syscall(syscall::info()?),
        Request::CallSyscall { times } => return syscall::call(times, task),
        Request::SetSyscallMessage { message } => return syscall::set_message(&message),
        Request::SubjectDo { pid, action } => Item::SubjectDid(subjects.act(pid, action)?),
        Request::LeftSubjects => Item::Subjects(subjects.left()),
        Request::Inventory { settled } => Item::Inventory(inventory::take(settled)?),
        Request::Block(action) => Item::Block(block::act(action)?),
        Request::Peek { path, offset, size } => Item::Bytes(block::peek(&path, offset, size)?),
        Request::BlockDevices => Item::BlockDevices(block::devices()?),
        Request::Crash => return kernel::crash(),
        Request::Wake(wake) => return guest.wake(wake),
        Request::Release => return guest.release(),
        Request::AwaitStick { present, timeout_ms } => {
            return wake::await_stick(present, timeout_ms, task);
        }
        Request::Lab(_) => {
            return Err(TargetError::Unsupported(
                "this kernel is not in a lab that can be controlled from here".into(),
            ));
        }
        Request::Load { .. }
        | Request::Run(_)
        | Request::Kmsg { .. }
        | Request::Subject
        | Request::TakeSubject { .. }
        | Request::Trace { .. }
        | Request::Ping => {
            return Err(TargetError::Invalid("a request that takes input".into()));
        }
    };
    task.emit(item);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_asked_for_by_the_names_that_the_kernel_gives_them() {
        for name in ["my-mod", "my_mod", "my-mod.ko"] {
            let request = in_the_kernels_words(Request::Unload { name: name.into() });
            assert_eq!(request, Request::Unload { name: "my_mod".into() });
        }
        let set = |module: &str, parameter: &str| Request::SetParameter {
            module: module.into(),
            parameter: parameter.into(),
            value: "a-b".into(),
        };
        assert_eq!(in_the_kernels_words(set("m-m", "two-words")), set("m_m", "two_words"));
        for path in ["..", "../my-mod"] {
            let unload = || Request::Unload { name: path.into() };
            assert_eq!(in_the_kernels_words(unload()), unload());
        }
    }
}
