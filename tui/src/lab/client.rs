// SPDX-License-Identifier: MIT OR Apache-2.0
//! Starting labs, finding them, and being their client.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::Pid;

use super::error::{LabError, LabResult};
use super::inherit;
use super::options::LabOptions;
use super::process::{Birth, RELEASE};
use super::runtime;
use crate::kernel::api::{GuestState, Item, LabRequest, LabStatus};
use crate::kernel::call::{Calls, ask};
use crate::kernel::remote::Remote;
use crate::kernel::{Request, Target, TargetError};

/// The hidden command that is a lab process.
pub const PROCESS_COMMAND: &str = "lab-process";
/// How long a lab may take to be gone after it was told to go.
const GONE_WITHIN: Duration = Duration::from_secs(10);
/// How long whoever drops a lab waits for its end.
const ENDED_WITHIN: Duration = Duration::from_secs(2);

/// A connection to a lab. Dropping it leaves the lab alone, unless it was
/// started here and not released: then it goes down.
pub struct LabClient {
    id: String,
    target: Arc<dyn Target>,
    /// What ties the lab to this process.
    tie: Option<UnixStream>,
}

impl LabClient {
    /// The lab's name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Was it started here and not released, so that it ends with this process?
    pub fn is_ours(&self) -> bool {
        self.tie.is_some()
    }

    /// The lab and its guest as a target; stays good over reboots.
    pub fn target(&self) -> Arc<dyn Target> {
        Arc::clone(&self.target)
    }

    /// What the lab is and does now.
    ///
    /// # Errors
    /// The lab is gone.
    pub fn status(&self) -> LabResult<LabStatus> {
        let items = ask(&*self.target, Request::Lab(LabRequest::Status), &[])?;
        match items.into_iter().next() {
            Some(Item::Lab(status)) => Ok(status),
            _ => Err(TargetError::Protocol("the lab told no status".into()).into()),
        }
    }

    /// Waits until `enough` of the lab's status; each change goes there.
    ///
    /// # Errors
    /// The lab is gone.
    pub fn wait(&self, mut enough: impl FnMut(&LabStatus) -> bool) -> LabResult<LabStatus> {
        let watch = Calls::start(&*self.target, Request::Lab(LabRequest::Watch))?;
        loop {
            match watch.next() {
                Item::Lab(status) if enough(&status) => return Ok(status),
                Item::Done(Ok(())) => {
                    return Err(TargetError::Gone("the lab ended".into()).into());
                }
                Item::Done(Err(error)) => return Err(error.into()),
                _ => {}
            }
        }
    }

    /// Waits until the guest runs.
    ///
    /// # Errors
    /// It does not: the sentence says why.
    pub fn wait_running(&self) -> LabResult<LabStatus> {
        let status = self.wait(|status| status.guest != GuestState::Starting)?;
        match status.guest {
            GuestState::Failed { why } => Err(LabError::Guest(why)),
            GuestState::Panicked { reason } => Err(LabError::Guest(reason)),
            GuestState::Killed { how } => Err(LabError::Guest(format!("QEMU ended: {how}"))),
            _ => Ok(status),
        }
    }

    /// Waits until the guest runs and has its USB stick, if it is to have one.
    ///
    /// # Errors
    /// As [`Self::wait_running`].
    pub fn wait_ready(&self) -> LabResult<LabStatus> {
        self.wait_running()?;
        let until = Instant::now() + Duration::from_secs(10);
        self.wait(|status| {
            status.stick_plugged || status.guest != GuestState::Running || Instant::now() > until
        })
    }

    /// Lets a lab that was started here go on without this process.
    ///
    /// # Errors
    /// It is gone already.
    pub fn release(mut self) -> LabResult<()> {
        match self.tie.take() {
            Some(mut tie) => tie.write_all(&[RELEASE]).map_err(LabError::io("release the lab")),
            None => Ok(()),
        }
    }

    /// Ends the lab.
    ///
    /// # Errors
    /// It is gone already.
    pub fn down(self) -> LabResult<()> {
        ask(&*self.target, Request::Lab(LabRequest::Down), &[])?;
        Ok(())
    }
}

impl Drop for LabClient {
    /// Waits until a lab that ends with us has ended, but not for long: should
    /// it hang, it goes as soon as it can.
    fn drop(&mut self) {
        let Some(mut tie) = self.tie.take() else {
            return;
        };
        let asked =
            tie.shutdown(Shutdown::Write).and_then(|()| tie.set_read_timeout(Some(ENDED_WITHIN)));
        if asked.is_ok() {
            // The end of the process closes its side.
            drop(tie.read(&mut [0]));
        }
    }
}

/// The labs of this user.
///
/// # Errors
/// Their folder can't be used.
pub fn labs() -> LabResult<Vec<String>> {
    Ok(runtime::labs(&runtime::folder()?))
}

/// Connects to the lab `id`, or to the one that runs.
///
/// # Errors
/// There is none, there are several, or it speaks another version.
pub fn attach(id: Option<&str>) -> LabResult<LabClient> {
    attach_in(&runtime::folder()?, id)
}

/// The same for the labs below `folder`, and not those of this session.
///
/// # Errors
/// As [`attach`].
pub fn attach_in(folder: &Path, id: Option<&str>) -> LabResult<LabClient> {
    let id = match id {
        Some(id) => id.to_owned(),
        None => {
            let mut labs = runtime::labs(folder);
            match labs.len() {
                0 => return Err(LabError::NoLab),
                1 => labs.remove(0),
                _ => return Err(LabError::WhichLab(labs)),
            }
        }
    };
    let stream = runtime::connect(folder, &id)?;
    Ok(LabClient { id, target: Arc::new(Remote::over_socket(stream)?), tie: None })
}

/// Starts a lab in a process of its own and connects to it. Its guest is then
/// still starting ([`LabClient::wait_running`]), and the lab ends with the client
/// ([`LabClient::release`]). `program` is the `ringside` to run;
/// `None`: the one that runs now.
///
/// # Errors
/// The lab process can't be started or has no use for `options`.
pub fn start(options: &LabOptions, program: Option<&Path>) -> LabResult<LabClient> {
    let (mut ours, theirs) = UnixStream::pair().map_err(LabError::io("make a socket"))?;
    let mut command = Command::new(program.unwrap_or(Path::new("/proc/self/exe")));
    command
        .arg0("ringside")
        .arg(PROCESS_COMMAND)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // SAFETY: between fork and exec this makes system calls only.
    unsafe { command.pre_exec(|| inherit::only(&[])) };
    let child = command.spawn().map_err(LabError::io("start the lab process"))?;
    drop(command);
    reap(child);
    let mut order = serde_json::to_string(options)
        .map_err(|error| LabError::NotStarted(format!("a path that is not UTF-8: {error}")))?;
    order.push('\n');
    ours.write_all(order.as_bytes()).map_err(LabError::io("tell the lab process what to be"))?;
    let mut line = String::new();
    BufReader::new(&ours)
        .read_line(&mut line)
        .map_err(LabError::io("hear from the lab process"))?;
    let id = match serde_json::from_str(&line) {
        Ok(Birth::Listening(id)) => id,
        Ok(Birth::Failed(why)) => return Err(LabError::NotStarted(why)),
        Err(_) => return Err(LabError::NotStarted("it ended without a word".into())),
    };
    let mut client = attach(Some(&id))?;
    client.tie = Some(ours);
    Ok(client)
}

/// Waits for the child beside everything else, so that it is no zombie.
fn reap(mut child: Child) {
    let spawned = thread::Builder::new().name("reap".into()).spawn(move || drop(child.wait()));
    if let Err(error) = spawned {
        tracing::debug!("the lab process will be a zombie for a while: {error}");
    }
}

/// Ends the lab `id`, whatever version it speaks, and waits until it is gone.
///
/// # Errors
/// There is no such lab, or it does not end.
pub fn down(id: &str) -> LabResult<()> {
    let folder = runtime::folder()?;
    let told = match attach_in(&folder, Some(id)) {
        // Its answer may get lost in its end.
        Ok(lab) => matches!(lab.down(), Ok(()) | Err(LabError::Target(TargetError::Gone(_)))),
        Err(error @ LabError::NoSuchLab(_)) => return Err(error),
        // It speaks another version, or hangs: it can still be told to end.
        Err(_) => false,
    };
    if !told && let Ok(stream) = runtime::connect(&folder, id) {
        let peer = getsockopt(&stream, PeerCredentials)
            .map_err(|error| LabError::io("find the lab process")(error.into()))?;
        kill(Pid::from_raw(peer.pid()), Signal::SIGTERM)
            .map_err(|error| LabError::io("end the lab process")(error.into()))?;
    }
    let until = Instant::now() + GONE_WITHIN;
    while runtime::labs(&folder).iter().any(|lab| lab == id) {
        if Instant::now() > until {
            return Err(LabError::Guest(format!(
                "lab {id} does not end; its process can be killed: QEMU dies with it"
            )));
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
