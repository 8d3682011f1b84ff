// SPDX-License-Identifier: MIT OR Apache-2.0
//! The QEMU command line of a guest: one description, told either to a QEMU
//! that inherits our sockets or as a line that a person can run by hand.
//!
//! A guest starts with its USB stick plugged in, so that a saved machine has
//! one as well; another one is plugged in over QMP in its place.

use std::ffi::OsString;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::accel::Accelerator;
use super::line::Line;

/// The program.
pub const QEMU: &str = "qemu-system-x86_64";
/// How many folders of the host a guest can share. Their devices are part of a
/// saved machine, so there are always as many, whatever they show.
pub const SHARES: usize = 16;
/// How many functions a PCI device has.
const FUNCTIONS: usize = 8;
/// The first PCI slot of the devices for shared folders.
const SHARES_SLOT: usize = 0x10;
/// The name of the virtio port that the agent serves.
pub const AGENT_PORT: &str = "ringside.agent";
/// The id of the USB stick and of what is behind it.
pub const STICK: &str = "stick";
/// The socket it is plugged into: always the same, so that a machine that was saved
/// with it plugged in again finds it there.
pub(super) const STICK_PORT: &str = "1";
/// What is written on top of a stick since its first mark.
pub const CHANGES: &str = "changes";
/// QEMU's set of descriptors for the stick's file.
pub(super) const STICK_SET: u32 = 1;
/// The same for what is written on top of it.
pub(super) const CHANGES_SET: u32 = 2;
/// The command line of every guest's kernel, in front of its flavour's own arguments.
///
/// `panic=-1` ends a dead kernel at once (QEMU holds it, see `-action`), after
/// it has written out its console; `delay_use=0` brings a stick up a second sooner.
pub const KERNEL_ARGUMENTS: &str =
    "console=ttyS0 ringside=1 panic=-1 usb-storage.delay_use=0 random.trust_cpu=on";

/// The arguments of a guest's kernel beside these when it is emulated (on a busy host
/// its check of the timer fails for want of ticks, so there is none): its time stamp
/// counters are one, and a watchdog over them only mistakes a busy host for a
/// broken clock.
pub const EMULATED_ARGUMENTS: &str = "tsc=reliable no_timer_check";

/// An emulated guest's processor: all that QEMU can emulate but fast string
/// instructions. A kernel that sees them copies memory with `rep movsb`,
/// which QEMU runs byte by byte; without, it copies three to six times as fast.
const EMULATED_PROCESSOR: &str = "max,-erms,-fsrm";

/// A guest as its hardware, its kernel and its shares describe it.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Who runs its instructions.
    pub accelerator: Accelerator,
    /// Memory in MiB.
    pub memory_mib: u32,
    pub processors: u32,
    /// The kernel: a bzImage, or a vmlinux with a PVH entry. Only the bzImage
    /// switches the processor to five page table levels.
    pub kernel: PathBuf,
    /// The first files.
    pub initramfs: PathBuf,
    /// The arguments of the kernel beside [`KERNEL_ARGUMENTS`].
    pub kernel_arguments: String,
    /// The folders that it shares with the host, at most [`SHARES`].
    pub shares: Vec<SharedFolder>,
    /// An empty folder for what shares nothing.
    pub nothing: PathBuf,
}

/// A folder of the host behind a mount tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFolder {
    /// The folder.
    pub path: PathBuf,
    /// May the guest write to it?
    pub writable: bool,
}

/// The mount tag of the share with this number.
pub fn share_tag(number: usize) -> String {
    format!("host{number}")
}

/// What stands at the other end of the guest's channels.
#[derive(Clone, Debug)]
pub enum Wiring {
    /// Sockets that QEMU inherits.
    Inherited {
        /// Its control channel.
        qmp: RawFd,
        /// The serial console.
        console: RawFd,
        /// The agent's port.
        agent: RawFd,
        /// What is behind the USB stick; `None`: it is not plugged in.
        stick: Option<StickFile>,
        /// The saved machine to resume.
        incoming: Option<RawFd>,
    },
    /// A terminal, a socket by path and a stick in a file, for a run by hand.
    ByHand {
        /// Where the agent can be reached.
        agent: PathBuf,
        /// The file behind the stick.
        stick: PathBuf,
    },
}

/// An open file for the USB stick.
#[derive(Clone, Copy, Debug)]
pub struct StickFile {
    /// The descriptor that QEMU inherits.
    pub descriptor: RawFd,
    /// Is it a block device of the host?
    pub is_device: bool,
    /// What is written on top of it; the file is only read then.
    pub changes: Option<RawFd>,
}

/// What is behind the stick, as an argument of QEMU. It finds the files in its sets of
/// descriptors.
pub(super) fn stick_node(is_device: bool, changes: bool) -> Value {
    // Another QEMU is kept off by Stick's own lock.
    let open = |driver: &str, set: u32, read_only: bool| {
        json!({
            "driver": driver,
            "filename": format!("/dev/fdset/{set}"),
            "locking": "off",
            "discard": "unmap",
            "read-only": read_only,
        })
    };
    let driver = if is_device { "host_device" } else { "file" };
    let raw = json!({
        "driver": "raw",
        "discard": "unmap",
        "read-only": changes,
        "file": open(driver, STICK_SET, changes),
    });
    let mut node = match changes {
        true => json!({
            "driver": "qcow2",
            "discard": "unmap",
            "file": open("file", CHANGES_SET, false),
            "backing": raw,
        }),
        false => raw,
    };
    node["node-name"] = STICK.into();
    node
}

/// The arguments for [`QEMU`].
pub fn arguments(spec: &Spec, wiring: &Wiring) -> Vec<OsString> {
    let mut line = Line(Vec::new());
    line.pair("-name", "ringside");
    // Its table of interrupts is made once, by QEMU. That of the older `pc` is
    // put together by a program that the kernel interprets again for each device,
    // which takes a third of a boot, and on the debug kernel four fifths.
    line.pair("-machine", "q35");
    match spec.accelerator {
        Accelerator::Kvm => {
            line.pair("-accel", "kvm");
            line.pair("-cpu", "max");
        }
        Accelerator::Tcg => {
            line.pair("-accel", "tcg,thread=multi");
            line.pair("-cpu", EMULATED_PROCESSOR);
        }
    }
    line.pair("-smp", &spec.processors.to_string());
    line.pair("-m", &format!("{}M", spec.memory_mib));
    line.flag("-nodefaults");
    line.flag("-no-user-config");
    // It starts no programs, becomes nobody else and leaves its priorities alone.
    line.pair(
        "-sandbox",
        "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
    );
    line.pair("-display", "none");
    // A reset or power-off stops the machine and leaves QEMU to say so; a
    // panic is told by pvpanic while the kernel goes on to empty its console.
    line.pair("-action", "reboot=shutdown,shutdown=pause,panic=none");
    line.path("-kernel", &spec.kernel);
    line.path("-initrd", &spec.initramfs);
    let kernel_line = kernel_line(spec.accelerator, &spec.kernel_arguments);
    line.pair("-append", &kernel_line);
    line.pair("-device", "pvpanic-pci");
    line.pair("-device", "vmgenid,guid=auto");
    for number in 0..SHARES {
        match spec.shares.get(number) {
            Some(share) => line.share(number, &share.path, share.writable),
            None => line.share(number, &spec.nothing, false),
        }
    }
    line.pair("-device", "qemu-xhci,id=usb");
    line.pair("-device", "virtio-serial-pci,id=ports");
    match wiring {
        Wiring::Inherited { qmp, console, agent, stick, incoming } => {
            line.pair("-chardev", &format!("socket,id=qmp,fd={qmp}"));
            line.pair("-mon", "chardev=qmp,mode=control");
            line.pair("-chardev", &format!("socket,id=console,fd={console}"));
            line.pair("-chardev", &format!("socket,id=agent,fd={agent}"));
            if let Some(stick) = stick {
                line.stick(*stick);
            }
            if let Some(state) = incoming {
                line.pair("-incoming", &format!("fd:{state}"));
            }
        }
        Wiring::ByHand { agent, stick } => {
            line.pair("-chardev", "stdio,id=console,mux=on,signal=off");
            line.pair("-mon", "chardev=console,mode=readline");
            line.with_path("-chardev", "socket,id=agent,server=on,wait=off,path=", agent, "");
            line.with_path("-drive", "if=none,id=stick,format=raw,file=", stick, "");
            line.pair("-device", "usb-storage,drive=stick,bus=usb.0,werror=report,rerror=report");
        }
    }
    line.pair("-serial", "chardev:console");
    line.pair("-device", &format!("virtserialport,bus=ports.0,chardev=agent,name={AGENT_PORT}"));
    line.0
}

/// The whole kernel command line.
pub fn kernel_line(accelerator: Accelerator, extra: &str) -> String {
    let mut words = vec![KERNEL_ARGUMENTS];
    if accelerator == Accelerator::Tcg {
        words.push(EMULATED_ARGUMENTS);
    }
    // Last, so that it has the last word.
    words.extend(Some(extra.trim()).filter(|extra| !extra.is_empty()));
    words.join(" ")
}

/// What a saved machine depends on: the command line with everything that may
/// differ between two runs (files, folders, descriptors) taken out.
pub fn shape(spec: &Spec) -> String {
    let shape = Spec {
        kernel: "kernel".into(),
        initramfs: "initramfs".into(),
        shares: Vec::new(),
        nothing: "nothing".into(),
        ..spec.clone()
    };
    let wiring = Wiring::Inherited {
        qmp: 0,
        console: 0,
        agent: 0,
        stick: Some(StickFile { descriptor: 0, is_device: false, changes: None }),
        incoming: None,
    };
    let words: Vec<_> =
        arguments(&shape, &wiring).iter().map(|word| word.to_string_lossy().into_owned()).collect();
    words.join("\n")
}

impl Line {
    fn stick(&mut self, stick: StickFile) {
        self.pair("-add-fd", &format!("set={STICK_SET},fd={}", stick.descriptor));
        if let Some(changes) = stick.changes {
            self.pair("-add-fd", &format!("set={CHANGES_SET},fd={changes}"));
        }
        let node = stick_node(stick.is_device, stick.changes.is_some());
        self.pair("-blockdev", &node.to_string());
        // The guest hears of every error, also of one for want of room on the
        // host, for which QEMU would stop it otherwise.
        let errors = "werror=report,rerror=report";
        let place = format!("bus=usb.0,port={STICK_PORT}");
        self.pair("-device", &format!("usb-storage,id={STICK},drive={STICK},{place},{errors}"));
    }

    fn share(&mut self, number: usize, folder: &Path, writable: bool) {
        let tag = share_tag(number);
        let readonly = if writable { "off" } else { "on" };
        // Another file system that the host has mounted below the folder is not
        // shared with it: what is to be seen of it has a share of its own.
        self.with_path(
            "-fsdev",
            &format!(
                "local,id={tag},security_model=none,multidevs=forbid,readonly={readonly},path="
            ),
            folder,
            "",
        );
        let (slot, function) = (SHARES_SLOT + number / FUNCTIONS, number % FUNCTIONS);
        self.pair(
            "-device",
            &format!(
                "virtio-9p-pci,fsdev={tag},mount_tag={tag},addr={slot:#x}.{function:#x},\
                 multifunction=on"
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::shell_line;
    use super::*;

    fn spec() -> Spec {
        Spec {
            accelerator: Accelerator::Tcg,
            memory_mib: 512,
            processors: 2,
            kernel: "/cache/a kernel/bzImage".into(),
            initramfs: "/cache/i.cpio".into(),
            kernel_arguments: "kunit.enable=0".into(),
            shares: vec![SharedFolder { path: "/home/me/odd, name".into(), writable: false }],
            nothing: "/cache/nothing".into(),
        }
    }

    fn by_hand() -> Wiring {
        Wiring::ByHand { agent: "/tmp/agent".into(), stick: "/tmp/stick".into() }
    }

    #[test]
    fn a_comma_in_a_shared_folder_is_doubled_for_qemu() {
        let words = arguments(&spec(), &by_hand());
        assert!(words.iter().any(|word| {
            let word = word.to_string_lossy();
            word.contains("id=host0,") && word.ends_with("readonly=on,path=/home/me/odd,, name")
        }));
    }

    #[test]
    fn a_share_is_written_to_only_where_that_is_asked_for_and_crosses_no_mount() {
        let shares = [true, false]
            .map(|writable| SharedFolder { path: "/home/me".into(), writable })
            .to_vec();
        let words: Vec<String> = arguments(&Spec { shares, ..spec() }, &by_hand())
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        let folders: Vec<_> = words.iter().filter(|word| word.starts_with("local,id=")).collect();
        assert_eq!(folders.len(), SHARES);
        for (number, folder) in folders.iter().enumerate() {
            assert_eq!(folder.contains("readonly=off"), number == 0, "{folder}");
            assert!(folder.contains("multidevs=forbid"), "{folder}");
        }
    }

    #[test]
    fn only_an_emulated_processor_lacks_fast_strings() {
        let processor = |accelerator| {
            let words = arguments(&Spec { accelerator, ..spec() }, &by_hand());
            let at = words.iter().position(|word| word == "-cpu").unwrap();
            words[at + 1].to_string_lossy().into_owned()
        };
        assert_eq!(processor(Accelerator::Tcg), "max,-erms,-fsrm");
        assert_eq!(processor(Accelerator::Kvm), "max");
    }

    #[test]
    fn a_shell_reads_the_dry_run_back_as_the_same_words() {
        let words = arguments(&spec(), &by_hand());
        let line = shell_line(Path::new(QEMU), &words);
        let read = shlex::split(&line.to_string_lossy()).unwrap();
        assert_eq!(read[0], QEMU);
        assert_eq!(
            read[1..],
            words.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_saved_machine_fits_another_folder_but_not_another_size() {
        let elsewhere = Spec {
            shares: vec![SharedFolder { path: "/elsewhere".into(), writable: true }],
            nothing: "/empty".into(),
            kernel: "/k".into(),
            initramfs: "/i".into(),
            ..spec()
        };
        assert_eq!(shape(&spec()), shape(&elsewhere));
        assert_ne!(shape(&spec()), shape(&Spec { memory_mib: 1024, ..spec() }));
        assert_ne!(shape(&spec()), shape(&Spec { processors: 1, ..spec() }));
        assert_ne!(shape(&spec()), shape(&Spec { accelerator: Accelerator::Kvm, ..spec() }));
        assert_ne!(shape(&spec()), shape(&Spec { kernel_arguments: String::new(), ..spec() }));
    }

    #[test]
    fn the_kernel_is_told_that_it_is_a_guest_and_what_its_flavour_adds() {
        let emulated = |extra| kernel_line(Accelerator::Tcg, extra);
        assert!(emulated("").contains("ringside=1"));
        assert!(emulated("kmemleak=off").ends_with(" kmemleak=off"));
        assert!(emulated(" ").ends_with(EMULATED_ARGUMENTS));
        assert_eq!(kernel_line(Accelerator::Kvm, ""), KERNEL_ARGUMENTS);
    }
}
