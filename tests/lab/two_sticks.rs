// SPDX-License-Identifier: MIT OR Apache-2.0
//! A guest with two sticks: kmod's own default, `/dev/sdb`, is the second.
//!
//! A lab has one stick. So this boots the command that `up --dry-run` prints,
//! with another one plugged in, and is itself what the agent answers to.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ringside::kernel::api::{
    BlockAction, HostView, Item, OutputStream, ProgramEnd, RunRequest, Share, ShareKind, Wake,
};
use ringside::kernel::call::ask;
use ringside::kernel::{Request, Target};
use ringside::lab::flavour::Flavour;
use ringside::lab::progress::Event;
use ringside::lab::vm::start::reach_agent;
use ringside::lab::{linux, modules};

use super::surroundings::Surroundings;

/// How long QEMU may take to listen.
const LISTENS_WITHIN: Duration = Duration::from_secs(120);

/// The first stick in MiB, and the second.
const SIZES: [u64; 2] = [64, 48];

/// QEMU, ended when dropped.
struct Qemu(Child);

impl Drop for Qemu {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// kmod.ko for the kernel under test.
fn kmod() -> PathBuf {
    let flavour = Flavour::from_environment().expect("RINGSIDE_KERNEL names a kernel");
    let kernel = linux::ensure(flavour, &mut |_: Event| {}).expect("the kernel is built");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../modules");
    let files = modules::build(&kernel, &source, &mut |_: Event| {}).expect("the modules build");
    let is_kmod = |file: &&PathBuf| file.file_name().is_some_and(|name| name == "kmod.ko");
    files.iter().find(is_kmod).expect("kmod is one").clone()
}

/// The folders that QEMU's words share, and where the guest finds programs.
fn shared(words: &[String]) -> HostView {
    let shares = words.iter().filter_map(|word| {
        let (tag, rest) = word.strip_prefix("local,id=")?.split_once(',')?;
        let (_, path) = rest.split_once("path=").filter(|(_, path)| !path.ends_with("/nothing"))?;
        Some(Share { tag: tag.into(), path: path.into(), kind: ShareKind::Kept })
    });
    let links = ["bin", "sbin", "lib", "lib64"].map(|name| Path::new("/").join(name));
    let links = links.iter().filter_map(|link| {
        let target = std::fs::read_link(link).ok()?;
        Some((link.as_os_str().as_bytes().to_vec(), target.as_os_str().as_bytes().to_vec()))
    });
    HostView { shares: shares.collect(), links: links.collect(), ..HostView::default() }
}

/// What the guest says while it boots.
fn console(surroundings: &Surroundings) -> PathBuf {
    surroundings.path().join("console")
}

/// Starts the guest with a second stick; its QEMU, the socket of its agent, and
/// what it shares.
fn boot(surroundings: &Surroundings) -> (Qemu, PathBuf, HostView) {
    let text = surroundings.ok(&["up", "--dry-run", "--accel", "tcg"]);
    let line = text.lines().find(|line| line.starts_with("qemu"));
    let mut words = shlex::split(line.expect("it prints QEMU's line")).expect("for a shell");
    for (number, mib) in SIZES.iter().enumerate() {
        let path = surroundings.path().join(format!("stick{number}"));
        let file = std::fs::File::create(path).expect("a file for a stick");
        file.set_len(mib << 20).expect("it can be of that size");
    }
    let stick = |number: usize| surroundings.path().join(format!("stick{number}"));
    let (mut agent, mut drive) = (None, None);
    for word in &mut words {
        if let Some((_, path)) = word.split_once("socket,id=agent,server=on,wait=off,path=") {
            agent = Some(PathBuf::from(path));
        } else if word.starts_with("if=none,id=stick,") {
            *word = format!("if=none,id=stick,format=raw,file={}", stick(0).display());
            drive = Some(());
        }
    }
    drive.expect("the line has a stick");
    words.push("-drive".into());
    words.push(format!("if=none,id=second,format=raw,file={}", stick(1).display()));
    words.push("-device".into());
    words.push("usb-storage,drive=second,bus=usb.0".into());
    let qemu = Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(console(surroundings)).expect("a file for the console"))
        .process_group(0)
        .spawn()
        .expect("QEMU starts");
    (Qemu(qemu), agent.expect("the line has the agent's socket"), shared(&words))
}

/// The agent, once the guest is up, told where the host's files are; nothing where the
/// machine ends before.
fn reach(socket: &Path, host: HostView) -> Option<Arc<dyn Target>> {
    let start = Instant::now();
    let stream = loop {
        match UnixStream::connect(socket) {
            Ok(stream) => break stream,
            Err(error) => assert!(start.elapsed() < LISTENS_WITHIN, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let target = reach_agent(stream).ok()?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.expect("it is later than 1970").as_nanos();
    let wake = Wake {
        unix_ns: now.try_into().expect("it is not that late"),
        entropy: vec![0x5a; 64],
        host: Box::new(host),
    };
    ask(&*target, Request::Wake(wake), &[]).expect("it is told");
    Some(target)
}

/// Runs a program in the guest; its exit status and what it printed.
fn run(target: &dyn Target, words: &[&str]) -> (u8, String) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let request = RunRequest {
        arguments: words.iter().map(|word| word.as_bytes().to_vec()).collect(),
        environment: vec![(b"PATH".to_vec(), path.as_bytes().to_vec())],
        directory: b"/".to_vec(),
        terminal: None,
    };
    let items = ask(target, Request::Run(request), &[]).expect("it runs");
    let (mut status, mut out) = (None, Vec::new());
    for item in items {
        match item {
            Item::Output { stream, bytes } => {
                assert_eq!(stream, OutputStream::Stdout, "{words:?}: {bytes:?}");
                out.extend(bytes);
            }
            Item::Exited(end) => status = Some(ProgramEnd::status(end)),
            _ => {}
        }
    }
    let out = String::from_utf8_lossy(&out).trim().to_owned();
    (status.expect("it ended"), out)
}

#[test]
fn with_two_sticks_kmod_takes_the_second_by_itself() {
    let module = kmod();
    let surroundings = Surroundings::with_empty_cache();
    // A boot by hand has nobody who tries again, as a lab does.
    let booted = (0..3).find_map(|_| {
        let (qemu, socket, host) = boot(&surroundings);
        let target = reach(&socket, host);
        if target.is_none() {
            let said = std::fs::read(console(&surroundings)).expect("it was made");
            println!("the machine ended: {}", String::from_utf8_lossy(&said));
        }
        target.map(|target| (qemu, target))
    });
    let (_qemu, target) = booted.expect("it boots");
    let shell = |script: &str| run(&*target, &["sh", "-c", script]);
    // The sticks are found one after the other, and a guest that boots does not wait.
    let both = "for i in $(seq 600); do test -b /dev/sda -a -b /dev/sdb && exit 0; sleep 0.1; done; exit 1";
    assert_eq!(shell(both).0, 0, "both sticks are there");
    let size_of = |name: &str| -> u64 {
        let (status, text) = shell(&format!("cat /sys/block/{name}/size"));
        assert_eq!(status, 0, "{name}");
        text.parse::<u64>().expect("sectors") * 512
    };
    let (first, second) = (size_of("sda"), size_of("sdb"));
    assert_ne!(first, second);

    let insmod = format!("insmod {}", module.display());
    assert_eq!(shell(&insmod), (0, String::new()));
    let shown = |file: &str| shell(&format!("cat /sys/module/kmod/{file}")).1;
    assert_eq!(shown("parameters/device"), "/dev/sdb");
    assert_eq!(shown("counters/device_size"), second.to_string());
    let said = shell("dmesg | grep 'kmod: /dev/sdb: '").1;
    assert!(said.contains(&format!("{second} bytes")), "{said}");
    let data = b"to the second".to_vec();
    let write = Request::Block(BlockAction::Write { data });
    ask(&*target, write, &[]).expect("it can be written");
    assert_eq!(shell("head -c 13 /dev/sdb").1, "to the second");
    assert_eq!(shell("head -c 13 /dev/sda | tr -d '\\0'").1, "");
    assert_eq!(shell("rmmod kmod"), (0, String::new()));
}
