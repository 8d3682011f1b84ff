// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loading a module from bytes, unloading one, and saying why either failed.

use std::ffi::CString;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use nix::errno::Errno;
use nix::kmod::{DeleteModuleFlags, delete_module, init_module};

use super::kmsg::Log;
use super::task::{LocalCall, TakesInput, Task};
use super::{files, holders, modules, sysfs};
use crate::kernel::api::{Holder, IMAGE_MAX, STICK};
use crate::kernel::call::{Call, Sink};
use crate::kernel::error::{TargetError, TargetResult};
use crate::kernel::modinfo::ModInfo;
use crate::kernel::parameters::words;

/// Collects a module's image.
#[derive(Default)]
struct Image {
    state: Mutex<(Vec<u8>, bool)>,
    changed: Condvar,
}

impl TakesInput for Image {
    fn send(&self, bytes: &[u8]) -> TargetResult<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.0.len() + bytes.len() > IMAGE_MAX {
            return Err(TargetError::Invalid(format!(
                "the module has more than {} MiB",
                IMAGE_MAX >> 20
            )));
        }
        state.0.extend_from_slice(bytes);
        Ok(())
    }

    fn close_input(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 = true;
        self.changed.notify_all();
    }
}

impl Image {
    /// The whole image, once it is there.
    fn wait(&self) -> Vec<u8> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.1 {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::take(&mut state.0)
    }
}

/// Starts loading; the image comes as input.
pub(super) fn start(name: String, parameters: String, sink: Sink) -> TargetResult<Call> {
    let task = Task::new(sink);
    let image = Arc::new(Image::default());
    let (taken, ending) = (Arc::clone(&image), Arc::clone(&image));
    task.on_cancel(move || ending.close_input());
    let doing = format!("load {name}");
    task.spawn_watched("load", doing, move |task| {
        let image = taken.wait();
        if task.cancelled() {
            return Err(TargetError::Cancelled);
        }
        load(&name, &image, &parameters)
    })?;
    Ok(Call::new(Arc::new(LocalCall::new(task, image))))
}

fn load(name: &str, image: &[u8], parameters: &str) -> TargetResult<()> {
    let info = ModInfo::parse(image)
        .map_err(|why| TargetError::Invalid(format!("{name} is no kernel module: {why}")))?;
    let module = info.name().unwrap_or(name).to_owned();
    check_parameters(&module, &info, parameters)?;
    let mut parameters = parameters.to_owned();
    let device = "device=";
    if module == ringside_uapi::kmod::MODULE.name
        && files::guest()
        && !words(&parameters).any(|word| word.starts_with(device))
    {
        parameters = format!("{device}{STICK} {parameters}");
    }
    let text = CString::new(parameters.trim()).map_err(|_| {
        TargetError::Invalid(format!("a parameter of {module} holds a NUL character"))
    })?;
    // What the kernel logs from here on may be the reason of a refusal.
    let log = Log::open_at_end().ok();
    init_module(image, &text).map_err(|errno| {
        if errno == Errno::ENOSYS {
            return TargetError::Unsupported(sysfs::NO_MODULES.into());
        }
        let error = TargetError::errno(errno as i32, format!("load module {module}"));
        let said = log.map(|log| kernel_words(log, &module)).unwrap_or_default();
        error.with_hint(why_not_loaded(errno, &module, &said))
    })
}

/// The kernel only warns about a parameter it doesn't know and goes on without
/// it, so a misspelled one is refused here.
fn check_parameters(module: &str, info: &ModInfo, parameters: &str) -> TargetResult<()> {
    for word in words(parameters) {
        let key = word.split_once('=').map_or(word, |(key, _)| key);
        let key = key.trim_matches('"');
        // `-` and `_` are the same to the kernel, and these two it takes for
        // every module.
        let same = |known: &str| known.replace('-', "_") == key.replace('-', "_");
        if key == "dyndbg" || key == "async_probe" || info.parameters().any(|p| same(p.name)) {
            continue;
        }
        let known: Vec<_> = info.parameters().map(|p| p.name).collect();
        let known = match known.as_slice() {
            [] => format!("{module} takes none"),
            known => format!("it has {}", known.join(", ")),
        };
        return Err(TargetError::Invalid(format!(
            "module {module} has no parameter {key:?}: {known}"
        )));
    }
    Ok(())
}

/// What the kernel has logged since `log` was opened that may concern a module.
fn kernel_words(mut log: Log, module: &str) -> Vec<String> {
    let mut said = Vec::new();
    while let Ok(Some(record)) = log.next_record() {
        let line = record.text.lines().next().unwrap_or_default().to_owned();
        let concerns = line.contains(module)
            || ["module", "Module", "Unknown symbol", "BPF", "Invalid ELF"]
                .iter()
                .any(|word| line.contains(word));
        if record.facility == 0 && concerns {
            said.push(line);
        }
    }
    let old = said.len().saturating_sub(3);
    said.split_off(old)
}

fn why_not_loaded(errno: Errno, module: &str, said: &[String]) -> String {
    let kernel = said.join("; ");
    let advice = match errno {
        Errno::EEXIST => format!("it is loaded already; unload it first: ringside unload {module}"),
        Errno::EPERM if !nix::unistd::geteuid().is_root() => "only root may load modules".into(),
        Errno::EPERM => {
            "this kernel takes no more modules, or only signed ones (lockdown, kernel.modules_disabled)"
                .into()
        }
        Errno::ENOEXEC
            if kernel.contains("version magic") || kernel.contains("must match the kernel") =>
        {
            "it was built for another kernel; build it again for this one: ringside build".into()
        }
        Errno::ENOEXEC => "it was built for another kernel or is damaged".into(),
        Errno::ENOENT if kernel.contains("Unknown symbol") => {
            "it needs something that no loaded module has; load the module it depends on first"
                .into()
        }
        Errno::EINVAL if kernel.contains("disagrees about version") => {
            "it was built for another kernel; build it again for this one: ringside build".into()
        }
        Errno::EINVAL | Errno::ERANGE => "a parameter has a value that the module refuses".into(),
        Errno::EKEYREJECTED | Errno::ENOKEY => "this kernel takes only signed modules".into(),
        Errno::ENODEV | Errno::ENXIO | Errno::ENOTBLK => {
            "the device it is for is not there, or is no such device".into()
        }
        _ => String::new(),
    };
    match (advice.is_empty(), kernel.is_empty()) {
        (_, true) => advice,
        (true, false) => format!("the kernel says: {kernel}"),
        (false, false) => format!("{advice} (the kernel says: {kernel})"),
    }
}

/// Unloads a module, never by force.
pub(super) fn unload(name: &str) -> TargetResult<()> {
    let name = files::name("module", name)?;
    let text = CString::new(name)
        .map_err(|_| TargetError::Invalid("a name with a NUL character".into()))?;
    let Err(errno) = delete_module(&text, DeleteModuleFlags::O_NONBLOCK) else {
        return Ok(());
    };
    if errno == Errno::ENOSYS {
        return Err(TargetError::Unsupported(sysfs::NO_MODULES.into()));
    }
    if errno == Errno::ENOENT {
        return Err(sysfs::not_loaded(name, "unload"));
    }
    // A module in use is EWOULDBLOCK to the system call, which would wait for
    // it otherwise; everybody else calls that busy.
    let busy = matches!(errno, Errno::EWOULDBLOCK | Errno::EBUSY);
    let number = if busy { Errno::EBUSY } else { errno };
    let error = TargetError::errno(number as i32, format!("unload module {name}"));
    Err(match errno {
        Errno::EPERM => error.with_hint("only root may unload modules"),
        _ if busy => error.with_hint(who_holds(name)),
        _ => error,
    })
}

fn who_holds(name: &str) -> String {
    let module = modules::list()
        .ok()
        .and_then(|modules| modules.into_iter().find(|module| module.name == name));
    if module.as_ref().is_some_and(|module| module.broken) {
        return "it has oopsed, so it stays until a reboot".into();
    }
    if module.as_ref().is_some_and(|module| module.users < 0) {
        return "it has no way to be unloaded, so it stays until a reboot".into();
    }
    let holders = holders::of(name).unwrap_or_default();
    let who: Vec<_> = holders
        .iter()
        .map(|holder| match holder {
            Holder::Module(module) => format!("module {module} needs it"),
            Holder::Process { pid, comm, what } => format!("{comm} (pid {pid}) has {what}"),
        })
        .collect();
    match who.as_slice() {
        [] if !Path::new("/proc/self/maps").exists() => String::new(),
        [] => "something holds it that can't be seen from here; try again".into(),
        who => format!("in use: {}", who.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_module_is_refused_before_the_kernel_sees_it() {
        let error = load("x.ko", b"#!/bin/sh\n", "").unwrap_err();
        assert!(error.to_string().starts_with("x.ko is no kernel module"));
    }

    #[test]
    fn unloading_what_is_not_there_says_so() {
        let error = unload("no_such_module_at_all").unwrap_err();
        // Without the right, the kernel says no before it looks.
        assert!(matches!(
            error,
            TargetError::Unsupported(_)
                | TargetError::Errno { errno: nix::libc::ENOENT | nix::libc::EPERM, .. }
        ));
        assert!(unload("../x").is_err());
    }

    #[test]
    fn a_module_for_another_kernel_is_told_from_a_damaged_one() {
        let said = ["x: version magic '6.1' should be '7.3'".to_owned()];
        let why = why_not_loaded(Errno::ENOEXEC, "x", &said);
        assert!(why.contains("ringside build") && why.contains("7.3"));
        assert!(!why_not_loaded(Errno::ENOEXEC, "x", &[]).contains("kernel says"));
    }
}
