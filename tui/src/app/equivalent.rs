// SPDX-License-Identifier: MIT OR Apache-2.0
//! The line that a person would have typed or coded for a request.

use crate::kernel::Request;
use crate::kernel::api::{BlockAction, LabRequest, SubjectAction};

/// The most bytes of data that are spelled out.
const SPELLED: usize = 8;

/// The `insmod`, `ioctl(…)`, `cat` or `echo` line that does the same as
/// `request`; `None` for what the dashboard asks by itself all the time.
pub fn equivalent(request: &Request) -> Option<String> {
    Some(match request {
        Request::Load { name, parameters } => {
            let file = if name.ends_with(".ko") { "" } else { ".ko" };
            format!("insmod {name}{file} {parameters}").trim_end().to_owned()
        }
        Request::Unload { name } => format!("rmmod {name}"),
        Request::Holders { name } => format!("ls /sys/module/{name}/holders; fuser -v /dev/{name}"),
        Request::SetParameter { module, parameter, value } => {
            format!("echo {} > /sys/module/{module}/parameters/{parameter}", quote(value))
        }
        Request::Set { module, control, value } => {
            format!("echo {} > /sys/module/{module}/controls/{control}", quote(value))
        }
        Request::CallSyscall { times: 1 } => "syscall(my_syscall)".into(),
        Request::CallSyscall { times } => {
            format!("for (i = 0; i < {times}; i++) syscall(my_syscall)")
        }
        Request::SetSyscallMessage { message } => {
            format!("echo {} > /sys/kernel/my_syscall/message", quote(message))
        }
        Request::Subject => "fork(); open(\"/dev/memalloc\", O_RDWR)".into(),
        Request::SubjectDo { pid, action } => format!("[{pid}] {}", subject(action)),
        Request::Block(action) => block(action)?,
        Request::Peek { path, offset, size } => {
            format!("pread(open({path:?}), buf, {size}, {offset})")
        }
        Request::Crash => "echo c > /proc/sysrq-trigger".into(),
        Request::Lab(request) => lab(request)?.into(),
        _ => return None,
    })
}

/// As a shell needs it.
pub fn quote(text: &str) -> String {
    shlex::try_quote(text).map_or_else(|_| format!("{text:?}"), |quoted| quoted.into_owned())
}

fn subject(action: &SubjectAction) -> String {
    let flag = |write: bool| u8::from(write);
    match action {
        SubjectAction::Allocate { vaddr, pages, write } => format!(
            "ioctl(memalloc, ALLOCATE, {{vaddr {vaddr:#x}, num_pages {pages}, write {}}})",
            flag(*write)
        ),
        SubjectAction::Free { vaddr } => format!("ioctl(memalloc, FREE, {{vaddr {vaddr:#x}}})"),
        SubjectAction::Read { vaddr, size } => format!("memcpy(buf, {vaddr:#x}, {size})"),
        SubjectAction::Write { vaddr, bytes } => {
            format!("memcpy({vaddr:#x}, {}, {})", spell(bytes), bytes.len())
        }
        SubjectAction::Share { vaddr, client, write } => format!(
            "ioctl(memalloc, SHAREPAGE, {{vaddr {vaddr:#x}, client_pid {client}, write {}}})",
            flag(*write)
        ),
        SubjectAction::Access { vaddr } => {
            format!("ioctl(memalloc, ACCESSPAGE, {{vaddr {vaddr:#x}}})")
        }
        SubjectAction::Walk { vaddr } => format!("ioctl(memalloc, WALK, {{vaddr {vaddr:#x}}})"),
        SubjectAction::Maps => "cat /proc/self/maps".into(),
    }
}

fn block(action: &BlockAction) -> Option<String> {
    Some(match action {
        BlockAction::Info => return None,
        BlockAction::Read { size } => format!("ioctl(kmod, BREAD, {{buf, {size}}})"),
        BlockAction::Write { data } => {
            format!("ioctl(kmod, BWRITE, {{{}, {}}})", spell(data), data.len())
        }
        BlockAction::ReadAt { offset, size } => {
            format!("ioctl(kmod, READ64, {{buf, offset {offset}, size {size}}})")
        }
        BlockAction::WriteAt { offset, data } => format!(
            "ioctl(kmod, WRITE64, {{{}, offset {offset}, size {}}})",
            spell(data),
            data.len()
        ),
        BlockAction::SeekRead { offset, size } => {
            format!("ioctl(kmod, BREADOFFSET, {{buf, {size}, {offset}}})")
        }
        BlockAction::SeekWrite { offset, data } => {
            format!("ioctl(kmod, BWRITEOFFSET, {{{}, {}, {offset}}})", spell(data), data.len())
        }
        BlockAction::Sync => "ioctl(kmod, SYNC)".into(),
    })
}

fn lab(request: &LabRequest) -> Option<&'static str> {
    Some(match request {
        LabRequest::Reboot { cold: false } => "QMP: quit; qemu … -incoming (a new guest)",
        LabRequest::Reboot { cold: true } => "QMP: quit; qemu … (a new guest, cold)",
        LabRequest::PowerOff => "QMP: quit",
        LabRequest::Plug => "QMP: device_add usb-storage",
        LabRequest::Unplug => "QMP: device_del usb-storage",
        LabRequest::Down => "ringside down",
        LabRequest::Status | LabRequest::Watch | LabRequest::Console { .. } => return None,
    })
}

/// The first bytes as C would have them.
fn spell(bytes: &[u8]) -> String {
    let shown = bytes[..bytes.len().min(SPELLED)].escape_ascii();
    let more = if bytes.len() > SPELLED { "…" } else { "" };
    format!("\"{shown}{more}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_reads_as_insmod() {
        let request = Request::Load {
            name: "my_name".into(),
            parameters: "intParameter=2025 charParameter=\"Summer term\"".into(),
        };
        assert_eq!(
            equivalent(&request).unwrap(),
            "insmod my_name.ko intParameter=2025 charParameter=\"Summer term\""
        );
    }

    #[test]
    fn text_for_a_shell_is_quoted() {
        let request = Request::SetSyscallMessage { message: "it's; rm -rf".into() };
        let line = equivalent(&request).unwrap();
        assert_eq!(shlex::split(&line).unwrap()[1], "it's; rm -rf");
    }

    #[test]
    fn what_the_dashboard_polls_is_not_listed() {
        assert_eq!(equivalent(&Request::Modules), None);
        assert_eq!(equivalent(&Request::Lab(LabRequest::Watch)), None);
    }
}
