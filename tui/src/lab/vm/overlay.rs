// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a guest writes to a stick that is a file of the user's, kept beside that
//! file once there is a mark: the file itself is never rewound.
//!
//! It is a qcow2 image on top of the file and bears the file's name with
//! `.changes` behind it, so that nothing is lost whatever becomes of the lab, and
//! `qemu-img commit` would do as well. Who ends the lab says what becomes of it.

use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use super::child::{Shared, bind, explain, keep};
use super::command::{CHANGES, CHANGES_SET, QEMU, STICK, STICK_SET, stick_node};
use super::confine::{Confinement, Masks};
use super::error::{VmError, VmResult};
use super::qmp::Qmp;
use super::sparse::copy_sparse;

/// How long QEMU may take to make an empty image.
const CREATED_WITHIN: Duration = Duration::from_secs(10);
/// How often a job of QEMU's is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The image. One that was not adopted goes with its last user.
#[derive(Debug)]
pub struct Overlay {
    file: File,
    /// Where it belongs.
    path: PathBuf,
    /// Does it lie there?
    adopted: AtomicBool,
}

/// Where what is written on top of the file at `disk` is kept.
pub fn changes_of(disk: &Path) -> PathBuf {
    with_end(disk, ".changes")
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn draft_of(path: &Path) -> PathBuf {
    with_end(path, ".new")
}

impl Overlay {
    /// What an earlier lab left on top of the file at `disk`, which is `file`, if it
    /// left anything. To be called by whoever has the file for itself.
    ///
    /// # Errors
    /// It can't be opened, or the file was changed meanwhile.
    pub(super) fn left(file: &File, disk: &Path) -> VmResult<Option<Self>> {
        let Some(left) = Self::found(disk)? else { return Ok(None) };
        let doing = || format!("look at {}", left.path.display());
        let written = |file: &File| file.metadata().and_then(|meta| meta.modified());
        let (base, top) = (written(file), written(&left.file));
        if base.map_err(VmError::io(doing()))? > top.map_err(VmError::io(doing()))? {
            return Err(VmError::Unsupported(format!(
                "{} was changed after an earlier lab left its own changes in {}, which do not fit \
                 any more: --disk-discard drops them, --disk-keep writes them to the file all \
                 the same",
                disk.display(),
                left.path.display()
            )));
        }
        Ok(Some(left))
    }

    /// The same, whether it fits or not.
    ///
    /// # Errors
    /// It can't be opened.
    pub(super) fn found(disk: &Path) -> VmResult<Option<Self>> {
        let path = changes_of(disk);
        // Of a lab that died while it made one.
        drop(fs::remove_file(draft_of(&path)));
        match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => Ok(Some(Self { file, path, adopted: AtomicBool::new(true) })),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(VmError::io(format!("open {}", path.display()))(error)),
        }
    }

    /// An empty file where the image for the file at `disk` is to be.
    fn draft(disk: &Path) -> VmResult<Self> {
        let path = changes_of(disk);
        let draft = draft_of(&path);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)
            .map_err(VmError::io(format!(
                "make {}, in which a lab with marks keeps what is written to the stick",
                draft.display()
            )))?;
        Ok(Self { file, path, adopted: AtomicBool::new(false) })
    }

    /// An empty image on top of the file at `disk` with so many bytes; `qmp` is a
    /// QEMU that makes it.
    ///
    /// # Errors
    /// The folder can't be written to, the disk is full, or QEMU refuses.
    pub(super) fn create(qmp: &Qmp, disk: &Path, bytes: u64) -> VmResult<Self> {
        let overlay = Self::draft(disk)?;
        add(qmp, CHANGES_SET, &overlay.file)?;
        let node = json!({
            "driver": "file",
            "node-name": CHANGES,
            "filename": format!("/dev/fdset/{CHANGES_SET}"),
            "locking": "off",
        });
        let made = qmp.execute("blockdev-add", node).and_then(|_| {
            let options = json!({
                "driver": "qcow2",
                "file": CHANGES,
                "size": bytes,
                "backing-file": disk,
                "backing-fmt": "raw",
            });
            qmp.execute("blockdev-create", json!({"job-id": "create", "options": options}))?;
            let until = Instant::now() + CREATED_WITHIN;
            let done = wait(qmp, "create", Some(until), |_| Ok(()));
            qmp.execute("job-dismiss", json!({"id": "create"}))?;
            done
        });
        // What failed may not have got as far as to be there.
        drop(qmp.execute("blockdev-del", json!({"node-name": CHANGES})));
        if made.is_err() {
            drop(qmp.execute("remove-fd", json!({"fdset-id": CHANGES_SET})));
        }
        made.map(|()| overlay)
    }

    /// Has what is written from now on to the stick, which is plugged in, go to this
    /// image, which [`Self::create`] made in the same QEMU. The guest stands still.
    pub(super) fn take_over(&self, qmp: &Qmp) -> VmResult<()> {
        let mut node = stick_node(false, true);
        node["node-name"] = CHANGES.into();
        node["backing"] = Value::Null;
        qmp.execute("blockdev-add", node)?;
        let taken = qmp.execute("blockdev-snapshot", json!({"node": STICK, "overlay": CHANGES}));
        if let Err(error) = taken {
            drop(qmp.execute("blockdev-del", json!({"node-name": CHANGES})));
            return Err(error);
        }
        Ok(())
    }

    /// An image with the same in it as `copy` for the file at `disk`.
    ///
    /// # Errors
    /// The disk is full.
    pub(super) fn like(copy: &File, disk: &Path) -> VmResult<Self> {
        let overlay = Self::draft(disk)?;
        copy_sparse(copy, &overlay.file)
            .map_err(VmError::io(format!("write {}", overlay.path.display())))?;
        Ok(overlay)
    }

    /// From now on it is the one that counts, and is kept.
    ///
    /// # Errors
    /// The folder can't be written to.
    pub fn adopt(&self) -> VmResult<()> {
        if self.adopted.load(Ordering::Relaxed) {
            return Ok(());
        }
        // It is newer than the last write to the file under it.
        self.file
            .set_modified(SystemTime::now())
            .and_then(|()| fs::rename(draft_of(&self.path), &self.path))
            .map_err(VmError::io(format!("keep {}", self.path.display())))?;
        self.adopted.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// The open image.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Throws it away.
    ///
    /// # Errors
    /// The folder can't be written to.
    pub(super) fn discard(&self) -> VmResult<()> {
        fs::remove_file(&self.path).map_err(VmError::io(format!("remove {}", self.path.display())))
    }

    /// Writes what is in it to `disk`, the file under it, and removes it. Where that
    /// fails it stays, and can be written again.
    ///
    /// # Errors
    /// The disk is full, or QEMU can't make sense of it.
    pub(super) fn write_back(&self, disk: &File) -> VmResult<()> {
        let doing = || format!("write {} back", self.path.display());
        let writer = Writer::start(disk, &self.file)?;
        writer.commit().map_err(|error| match error {
            VmError::Refused { why, .. } => VmError::Unsupported(format!(
                "{}: {why}; nothing is lost, it is still there",
                doing()
            )),
            error => error,
        })?;
        disk.sync_all().map_err(VmError::io(doing()))?;
        self.discard()
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        if !self.adopted.load(Ordering::Relaxed) {
            // Another one may have been made in its place.
            drop(fs::remove_file(draft_of(&self.path)));
        }
    }
}

/// Gives QEMU another descriptor for a set of them.
pub(super) fn add(qmp: &Qmp, set: u32, file: &File) -> VmResult<()> {
    use std::os::fd::AsFd;
    qmp.execute_with("add-fd", json!({"fdset-id": set}), file.as_fd()).map(drop)
}

/// Waits for the end of a job of QEMU's; `ready` is called once it could end.
fn wait(
    qmp: &Qmp,
    id: &str,
    until: Option<Instant>,
    ready: impl Fn(&Qmp) -> VmResult<()>,
) -> VmResult<()> {
    let mut told = false;
    loop {
        let jobs = qmp.execute("query-jobs", json!({}))?;
        let mut jobs = jobs.as_array().into_iter().flatten();
        let Some(job) = jobs.find(|job| job["id"] == id) else {
            return Err(VmError::Silent { command: id.into(), after: Duration::ZERO });
        };
        match job["status"].as_str() {
            Some("concluded") => {
                return match job["error"].as_str() {
                    Some(why) => Err(VmError::Refused { command: id.into(), why: why.to_owned() }),
                    None => Ok(()),
                };
            }
            Some("ready") if !told => {
                told = true;
                ready(qmp)?;
            }
            _ if until.is_some_and(|until| Instant::now() > until) => {
                return Err(VmError::Silent { command: id.into(), after: CREATED_WITHIN });
            }
            _ => thread::sleep(LOOK_EVERY),
        }
    }
}

/// A QEMU without a machine, which knows how to read the image.
struct Writer {
    qmp: Qmp,
    shared: Arc<Shared>,
}

impl Writer {
    fn start(disk: &File, image: &File) -> VmResult<Self> {
        use std::os::unix::net::UnixStream;
        let (ours, theirs) = UnixStream::pair().map_err(VmError::io("make a socket for QEMU"))?;
        // QEMU reads the file first, and writes to it once it is to.
        let reading = again(disk)?;
        let mut command = Command::new(QEMU);
        command.args(["-nodefaults", "-no-user-config", "-machine", "none", "-display", "none"]);
        for (set, file) in [(STICK_SET, &reading), (STICK_SET, disk), (CHANGES_SET, image)] {
            command.arg("-add-fd").arg(format!("set={set},fd={}", file.as_raw_fd()));
        }
        let mut node = stick_node(false, true);
        node["node-name"] = CHANGES.into();
        node["backing"]["node-name"] = STICK.into();
        // Said by name it would be so for ever, and the file is to be written to.
        for file in ["/backing", "/backing/file"] {
            if let Some(Value::Object(file)) = node.pointer_mut(file) {
                file.remove("read-only");
            }
        }
        command
            .arg("-blockdev")
            .arg(node.to_string())
            .arg("-chardev")
            .arg(format!("socket,id=qmp,fd={}", theirs.as_raw_fd()))
            .args(["-mon", "chardev=qmp,mode=control"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let inherited = [&reading, disk, image].map(AsRawFd::as_raw_fd);
        let inherited = inherited.into_iter().chain([theirs.as_raw_fd()]).collect();
        bind(&mut command, inherited, Confinement::new(&Masks::default(), false)?);
        let shared = Arc::new(Shared::default());
        let (started, start) = channel();
        let about = Arc::clone(&shared);
        thread::Builder::new()
            .name("write-back".into())
            .spawn(move || {
                let spawned = command.spawn();
                drop(theirs);
                let nobody: super::event::MachineEvents = Arc::new(|_| ());
                keep(spawned, &started, &about, &nobody);
            })
            .map_err(VmError::io("start a thread"))?;
        // The files stay open until it has them.
        start.recv().unwrap_or(Err(VmError::NoQemu))?;
        match Qmp::connect(ours, |_| ()) {
            Ok(qmp) => Ok(Self { qmp, shared }),
            Err(error) => Err(explain(&shared, error)),
        }
    }

    fn commit(&self) -> VmResult<()> {
        // The job stays until it is dismissed, so that its error can be read.
        let job = json!({"job-id": "commit", "device": CHANGES, "auto-dismiss": false});
        self.qmp.execute("block-commit", job)?;
        let complete = |qmp: &Qmp| qmp.execute("job-complete", json!({"id": "commit"})).map(drop);
        wait(&self.qmp, "commit", None, complete)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.kill();
        // Nobody else may have the file before it has let go.
        let until = Instant::now() + CREATED_WITHIN;
        self.shared.wait(until, |state| state.ended.clone());
    }
}

/// The same file, to be read only.
pub(super) fn again(file: &File) -> VmResult<File> {
    File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).map_err(VmError::io("open the stick"))
}
