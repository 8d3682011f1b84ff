// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loading a module from bytes, unloading one, and saying why either failed.

use std::ffi::CString;
use std::path::Path;
use std::sync::Arc;

use nix::errno::Errno;
use nix::kmod::{DeleteModuleFlags, delete_module, init_module};
use parking_lot::{Condvar, Mutex};

use super::kmsg::Log;
use super::oops::Oopses;
use super::task::{LocalCall, TakesInput, Task};
use super::{files, holders, modules, sysfs};
use crate::kernel::api::{Holder, IMAGE_MAX, STICK};
use crate::kernel::call::{Call, Sink};
use crate::kernel::error::{TargetError, TargetResult};
use crate::kernel::modinfo::ModInfo;
use crate::kernel::parameters::words;

/// Is there wherever modules can be loaded.
const MODULES: &str = "/proc/modules";
/// `1` where it was decided that no more are taken.
const MODULES_DISABLED: &str = "/proc/sys/kernel/modules_disabled";
/// How many of the kernel's last lines about a module are reported.
const LINES_MAX: usize = 6;

/// Collects a module's image.
#[derive(Default)]
struct Image {
    state: Mutex<(Vec<u8>, bool)>,
    changed: Condvar,
}

impl TakesInput for Image {
    fn send(&self, bytes: &[u8]) -> TargetResult<()> {
        let mut state = self.state.lock();
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
        let mut state = self.state.lock();
        state.1 = true;
        self.changed.notify_all();
    }
}

impl Image {
    /// The whole image, once it is there.
    fn wait(&self) -> Vec<u8> {
        let mut state = self.state.lock();
        while !state.1 {
            self.changed.wait(&mut state);
        }
        std::mem::take(&mut state.0)
    }
}

/// Starts loading; the image comes as input.
pub(super) fn start(
    name: String,
    parameters: String,
    oopses: Arc<Oopses>,
    sink: Sink,
) -> TargetResult<Call> {
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
        // Whom an oops of before accuses is seen while it bears its name.
        oopses.broken();
        load(&name, &image, &parameters)
    })?;
    Ok(Call::new(Arc::new(LocalCall::new(task, image))))
}

fn load(name: &str, image: &[u8], parameters: &str) -> TargetResult<()> {
    let info = ModInfo::parse(image)
        .map_err(|why| TargetError::Invalid(format!("{name} is no kernel module: {why}")))?;
    let module = info.name().unwrap_or(name).to_owned();
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
    let parameters = parameters.as_str();
    let loaded = init_module(image, &text);
    let said = log.map(|log| kernel_words(log, &module, parameters)).unwrap_or_default();
    match loaded {
        Ok(()) => match ignored(&module, &info, &said) {
            Some(told) => Err(TargetError::Invalid(told)),
            None => Ok(()),
        },
        Err(Errno::ENOSYS) if !Path::new(MODULES).exists() => {
            Err(TargetError::Unsupported(sysfs::NO_MODULES.into()))
        }
        Err(errno) => {
            let error = TargetError::errno(errno as i32, format!("load module {module}"));
            Err(error.with_hint(why_not_loaded(errno, &module, parameters, &said)))
        }
    }
}

/// What the kernel ignored of the parameters: it only warns about one that the
/// module does not have, and loads the module without it. Only the kernel knows
/// them all: a module's file need not describe each.
fn ignored(module: &str, info: &ModInfo, said: &[String]) -> Option<String> {
    let start = format!("{module}: ");
    let words: Vec<&str> = said
        .iter()
        .filter_map(|line| line.strip_prefix(&start))
        .filter(|line| line.ends_with(" ignored"))
        .filter(|line| line.starts_with("unknown parameter '") || line.starts_with("parameters '"))
        .collect();
    if words.is_empty() {
        return None;
    }
    let known: Vec<_> = info.parameters().map(|parameter| parameter.name).collect();
    let known = match known.as_slice() {
        [] => "it describes none".to_owned(),
        known => format!("it describes {}", known.join(", ")),
    };
    let words = words.join("; ");
    Some(format!("module {module} is loaded, but the kernel says: {words} ({known})"))
}

/// What the kernel has logged since `log` was opened that may concern a module.
fn kernel_words(mut log: Log, module: &str, parameters: &str) -> Vec<String> {
    let mut said = Vec::new();
    // What is wrong with a value is said by the parameter's name only.
    let starts: Vec<String> = words(parameters)
        .map(|word| format!("{}: ", word.split('=').next().unwrap_or(word)))
        .collect();
    while let Ok(Some(record)) = log.next_record() {
        let line = record.text.lines().next().unwrap_or_default().to_owned();
        let concerns = line.contains(module)
            || starts.iter().any(|start| line.starts_with(start))
            || ["module", "Module", "Unknown symbol", "BPF", "Invalid ELF"]
                .iter()
                .any(|word| line.contains(word));
        if record.facility == 0 && concerns {
            said.push(line);
        }
    }
    let old = said.len().saturating_sub(LINES_MAX);
    said.split_off(old)
}

fn why_not_loaded(errno: Errno, module: &str, parameters: &str, said: &[String]) -> String {
    let kernel = said.join("; ");
    let advice = match errno {
        Errno::EEXIST => format!("it is loaded already; unload it first: ringside unload {module}"),
        Errno::EPERM if !nix::unistd::geteuid().is_root() => "only root may load modules".into(),
        Errno::EPERM if takes_no_more() => {
            "this kernel takes no more modules until it is booted again (kernel.modules_disabled)"
                .into()
        }
        Errno::EPERM if kernel.contains("ockdown") || kernel.contains("signature") => {
            "this kernel takes only signed modules (lockdown)".into()
        }
        Errno::EPERM => "its own init function returned that".into(),
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
        Errno::ENOENT if kernel.contains("probe") => {
            "a file, a device or, if it sets a kprobe, the function that it names is missing; \
             /proc/kallsyms lists the functions of this kernel"
                .into()
        }
        Errno::ENOENT => "a file or a device that it needs is missing".into(),
        Errno::EINVAL if kernel.contains("disagrees about version") => {
            "it was built for another kernel; build it again for this one: ringside build".into()
        }
        Errno::EINVAL | Errno::ERANGE if parameters.trim().is_empty() => {
            "its own init function returned that".into()
        }
        // What is off in a configuration leaves functions that do nothing else.
        Errno::ENOSYS => "its own init function returned that, as functions do of a part that \
                          this kernel is built without; `ringside kernel options WORD` lists the \
                          options for a word, such as gpio"
            .into(),
        Errno::EINVAL | Errno::ERANGE => "a parameter has a value that the module refuses".into(),
        Errno::EKEYREJECTED | Errno::ENOKEY => "this kernel takes only signed modules".into(),
        Errno::ENODEV | Errno::ENXIO | Errno::ENOTBLK => {
            "the device it is for is not there, or is no such device; what the module said of it \
             is in the kernel log: ringside kmsg"
                .into()
        }
        _ => String::new(),
    };
    match (advice.is_empty(), kernel.is_empty()) {
        (_, true) => advice,
        (true, false) => format!("the kernel says: {kernel}"),
        (false, false) => format!("{advice} (the kernel says: {kernel})"),
    }
}

/// Was it decided that this kernel takes no more modules?
fn takes_no_more() -> bool {
    files::text(MODULES_DISABLED).is_ok_and(|text| text.trim() == "1")
}

/// Unloads a module, never by force.
pub(super) fn unload(name: &str, oopses: &Oopses) -> TargetResult<()> {
    let name = files::name("module", name)?;
    let text = CString::new(name)
        .map_err(|_| TargetError::Invalid("a name with a NUL character".into()))?;
    oopses.broken();
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
        _ if busy => error.with_hint(who_holds(name, oopses)),
        _ => error,
    })
}

fn who_holds(name: &str, oopses: &Oopses) -> String {
    let module = modules::list(oopses)
        .ok()
        .and_then(|modules| modules.into_iter().find(|module| module.name == name));
    if module.as_ref().is_some_and(|module| module.broken) {
        return "it has oopsed, so it stays until a reboot".into();
    }
    if module.as_ref().is_some_and(|module| module.users < 0) {
        return "it has no way to be unloaded, so it stays until a reboot".into();
    }
    let holders = holders::of(name, oopses).unwrap_or_default();
    let who: Vec<_> = holders.iter().map(Holder::to_string).collect();
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
    fn what_an_init_function_returned_is_blamed_on_no_parameter_and_on_no_lack_of_modules() {
        let why = why_not_loaded(Errno::EINVAL, "m", "", &[]);
        assert_eq!(why, "its own init function returned that");
        assert!(why_not_loaded(Errno::EINVAL, "m", "a=b", &[]).contains("a parameter has a value"));
        assert!(why_not_loaded(Errno::ENOSYS, "m", "", &[]).contains("is built without"));
        if nix::unistd::geteuid().is_root() && !takes_no_more() {
            let why = why_not_loaded(Errno::EPERM, "m", "", &[]);
            assert_eq!(why, "its own init function returned that");
        }
        let said = ["m: register_kprobe failed, returned -2".to_owned()];
        assert!(why_not_loaded(Errno::ENOENT, "m", "", &said).contains("/proc/kallsyms"));
    }

    #[test]
    fn what_the_kernel_ignored_is_told_and_what_a_module_says_is_not() {
        let said = |lines: &[&str]| {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            ignored("mine", &ModInfo::default(), &lines)
        };
        let told = said(&["mine: unknown parameter 'y' ignored", "mine: hello"]).unwrap();
        assert!(told.contains("is loaded, but") && told.contains("'y' ignored"), "{told}");
        assert!(said(&["mine: parameters 'b=2' after `--' ignored"]).is_some());
        let others = ["mine: a signal was ignored", "other: unknown parameter 'y' ignored"];
        assert_eq!(said(&others), None);
    }

    #[test]
    fn unloading_what_is_not_there_says_so() {
        let error = unload("no_such_module_at_all", &Oopses::default()).unwrap_err();
        // Without the right, the kernel says no before it looks.
        assert!(matches!(
            error,
            TargetError::Unsupported(_)
                | TargetError::Errno { errno: nix::libc::ENOENT | nix::libc::EPERM, .. }
        ));
        assert!(unload("../x", &Oopses::default()).is_err());
    }

    #[test]
    fn a_module_for_another_kernel_is_told_from_a_damaged_one() {
        let said = ["x: version magic '6.1' should be '7.3'".to_owned()];
        let why = why_not_loaded(Errno::ENOEXEC, "x", "", &said);
        assert!(why.contains("ringside build") && why.contains("7.3"));
        assert!(!why_not_loaded(Errno::ENOEXEC, "x", "", &[]).contains("kernel says"));
    }
}
