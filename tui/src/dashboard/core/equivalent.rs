// SPDX-License-Identifier: MIT OR Apache-2.0
//! The line that a person would have typed or coded for a request.

use crate::dashboard::data::lines;
use crate::dashboard::data::lines::{hex, quote};
use crate::kernel::Request;
use crate::kernel::api::{BlockAction, LabRequest, SubjectAction};

/// The `insmod`, `ioctl(…)`, `cat` or `echo` line that does the same as
/// `request`; `None` for what the dashboard asks by itself all the time.
pub fn equivalent(request: &Request) -> Option<String> {
    Some(match request {
        Request::Load { name, parameters } => lines::insmod(&lines::module_file(name), parameters),
        Request::Unload { name } => lines::rmmod(name),
        Request::Holders { name } => {
            let holders = quote(&format!("/sys/module/{name}/holders"));
            format!("ls {holders}; fuser -v {}", quote(&format!("/dev/{name}")))
        }
        Request::SetParameter { module, parameter, value } => {
            lines::echo(value, &format!("/sys/module/{module}/parameters/{parameter}"))
        }
        Request::Set { module, control, value } => {
            lines::echo(value, &format!("/sys/module/{module}/controls/{control}"))
        }
        Request::Trace { module, .. } => lines::echo(
            &format!("p:trace/f {module}:FUNCTION"),
            "/sys/kernel/tracing/kprobe_events",
        ),
        Request::CallSyscall { times: 1 } => "syscall(my_syscall)".into(),
        Request::CallSyscall { times } => lines::syscalls(times),
        Request::SetSyscallMessage { message } => {
            lines::echo(message, "/sys/kernel/my_syscall/message")
        }
        Request::Subject => "fork(); open(\"/dev/memalloc\", O_RDWR)".into(),
        Request::SubjectDo { pid, action } => lines::by_subject(*pid, &subject(action)),
        Request::Block(action) => block(action)?,
        Request::Peek { path, offset, size } => lines::pread(path, size, hex(*offset)),
        Request::Run(run) => lines::program(&run.arguments),
        Request::Crash => "echo c > /proc/sysrq-trigger".into(),
        Request::Lab(request) => lab(request)?.into(),
        _ => return None,
    })
}

fn subject(action: &SubjectAction) -> String {
    match action {
        SubjectAction::Allocate { vaddr, pages, write } => {
            lines::allocate(hex(*vaddr), pages, *write)
        }
        SubjectAction::Free { vaddr } => lines::at("FREE", hex(*vaddr)),
        SubjectAction::Read { vaddr, size } => lines::load(hex(*vaddr), size),
        SubjectAction::Write { vaddr, bytes } => {
            lines::store(hex(*vaddr), &lines::spell(bytes), bytes.len())
        }
        SubjectAction::Share { vaddr, client, write } => lines::share(hex(*vaddr), client, *write),
        SubjectAction::Access { vaddr } => lines::at("ACCESSPAGE", hex(*vaddr)),
        SubjectAction::Walk { vaddr } => lines::at("MEMALLOC_WALK", hex(*vaddr)),
        SubjectAction::Maps => "cat /proc/self/maps".into(),
    }
}

fn block(action: &BlockAction) -> Option<String> {
    Some(match action {
        BlockAction::Info => return None,
        BlockAction::Read { size } => lines::moved("BREAD", "buf", size),
        BlockAction::Write { data } => lines::moved("BWRITE", &lines::spell(data), data.len()),
        BlockAction::ReadAt { offset, size } => {
            lines::moved_64("KMOD_READ64", "buf", size, hex(*offset))
        }
        BlockAction::WriteAt { offset, data } => {
            lines::moved_64("KMOD_WRITE64", &lines::spell(data), data.len(), hex(*offset))
        }
        BlockAction::SeekRead { offset, size } => {
            lines::moved_at("BREADOFFSET", "buf", size, hex(u64::from(*offset)))
        }
        BlockAction::SeekWrite { offset, data } => {
            let (data, size) = (lines::spell(data), data.len());
            lines::moved_at("BWRITEOFFSET", &data, size, hex(u64::from(*offset)))
        }
        BlockAction::Sync => "ioctl(kmod, KMOD_SYNC)".into(),
    })
}

fn lab(request: &LabRequest) -> Option<&'static str> {
    Some(match request {
        LabRequest::Reboot { cold: false } => "QMP: quit; qemu … -incoming (a new guest)",
        LabRequest::Reboot { cold: true } => "QMP: quit; qemu … (a new guest, cold)",
        LabRequest::PowerOff => "QMP: quit",
        LabRequest::Plug => "QMP: device_add usb-storage",
        LabRequest::Unplug => "QMP: device_del usb-storage",
        LabRequest::Mark { .. } => "QMP: stop; migrate fd:…; cont",
        LabRequest::Rewind { .. } => "QMP: quit; qemu … -incoming (a mark)",
        LabRequest::Unmark { .. } => "ringside unmark",
        LabRequest::Gdb => "QMP: human-monitor-command gdbserver chardev:gdb",
        LabRequest::Dump { .. } => "QMP: dump-guest-memory",
        LabRequest::Down => "ringside down",
        LabRequest::Marks | LabRequest::Status | LabRequest::Watch | LabRequest::Console { .. } => {
            return None;
        }
    })
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
            "insmod my_name.ko intParameter=2025 charParameter='\"Summer term\"'"
        );
    }

    #[test]
    fn offsets_and_addresses_are_hex_and_counts_decimal() {
        let line = |action| equivalent(&Request::Block(action)).unwrap();
        assert_eq!(
            line(BlockAction::SeekRead { offset: 4096, size: 512 }),
            "ioctl(kmod, BREADOFFSET, {buf, 512, 0x1000})"
        );
        assert_eq!(
            line(BlockAction::ReadAt { offset: 1 << 32, size: 512 }),
            "ioctl(kmod, KMOD_READ64, {buf, offset 0x100000000, size 512})"
        );
        let peek = Request::Peek { path: "/dev/sda".into(), offset: 4096, size: 512 };
        assert_eq!(equivalent(&peek).unwrap(), "pread(open(\"/dev/sda\"), buf, 512, 0x1000)");
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
