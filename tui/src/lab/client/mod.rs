// SPDX-License-Identifier: MIT OR Apache-2.0
//! Starting labs, finding them, and being their client.

mod end;
mod list;

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

pub use self::end::{Ended, down};
pub use self::list::{Entry, list};
use super::error::{LabError, LabResult};
use super::inherit;
use super::options::LabOptions;
use super::process::{RELEASE, Startup};
use super::runtime;
use crate::kernel::api::{GuestState, LabStatus};
use crate::kernel::question::put_within;
use crate::kernel::remote::Remote;
use crate::kernel::{Replies, Target, TargetError, question};

/// The hidden command that is a lab process.
pub const PROCESS_COMMAND: &str = "lab-process";
/// How long a lab process may take to answer what it need not think about.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// How soon one that takes no connection is tried again.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// How long it may take to be there.
const BORN_WITHIN: Duration = Duration::from_secs(60);
/// How long a guest may take to start: longer than the lab gives it.
const STARTS_WITHIN: Duration = Duration::from_secs(600);
/// How often a lab without news of its guest is asked whether it is there.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// How long it may take to plug the stick in once its guest runs: longer than
/// it gives itself.
const STICK_WITHIN: Duration = Duration::from_secs(40);
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
    /// The lab is gone, or does not answer.
    pub fn status(&self) -> LabResult<LabStatus> {
        self.status_within(ANSWERS_WITHIN)
    }

    fn status_within(&self, within: Duration) -> LabResult<LabStatus> {
        let who = format!("lab {}", self.id);
        Ok(put_within(&*self.target, question::Lab, within, &who)?)
    }

    /// Waits until `enough` of the lab's status, but not beyond `until`;
    /// `None`: it was not enough.
    ///
    /// # Errors
    /// The lab is gone.
    pub fn wait(
        &self,
        until: Option<Instant>,
        mut enough: impl FnMut(&LabStatus) -> bool,
    ) -> LabResult<Option<LabStatus>> {
        let watch = Replies::start(&*self.target, question::WatchLab)?;
        loop {
            let status = match until {
                Some(until) => watch.next_before(until),
                None => Some(watch.next()),
            };
            match status.transpose()? {
                None => return Ok(None),
                Some(None) => return Err(TargetError::Gone("the lab ended".into()).into()),
                Some(Some(status)) if enough(&status) => return Ok(Some(status)),
                Some(Some(_)) => {}
            }
        }
    }

    /// Waits until the guest runs. The lab gives up a guest that does not.
    ///
    /// # Errors
    /// It does not: the sentence says why.
    pub fn wait_running(&self) -> LabResult<LabStatus> {
        let until = Instant::now() + STARTS_WITHIN;
        let started = |status: &LabStatus| status.guest != GuestState::Starting;
        let status = loop {
            if let Some(status) = self.wait(Some(Instant::now() + LOOK_EVERY), started)? {
                break status;
            }
            // A lab process that hangs does not even say that it has no news.
            let status = self.status()?;
            if started(&status) {
                break status;
            }
            if Instant::now() > until {
                let limit = STARTS_WITHIN.as_secs();
                return Err(LabError::Guest(format!("the guest has not started within {limit} s")));
            }
        };
        match status.guest {
            GuestState::Failed { why } => Err(LabError::Guest(why)),
            GuestState::Panicked { reason } => Err(LabError::Guest(reason)),
            GuestState::Killed { how } => Err(LabError::Guest(format!("QEMU ended: {how}"))),
            _ => Ok(status),
        }
    }

    /// Waits until the guest runs and has its USB stick, or until it is known
    /// that it gets none: the status says so.
    ///
    /// # Errors
    /// As [`Self::wait_running`].
    pub fn wait_ready(&self) -> LabResult<LabStatus> {
        let settled = |status: &LabStatus| {
            status.stick_plugged
                || status.stick_trouble.is_some()
                || status.guest != GuestState::Running
        };
        loop {
            self.wait_running()?;
            match self.wait(Some(Instant::now() + STICK_WITHIN), settled)? {
                // One that died at once is being replaced.
                Some(status) if status.guest == GuestState::Starting => {}
                Some(status) => return Ok(status),
                None => {
                    let late = format!("it was not plugged in within {} s", STICK_WITHIN.as_secs());
                    return Ok(LabStatus { stick_trouble: Some(late), ..self.status()? });
                }
            }
        }
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
/// There is none, there are several, it speaks another version or does not answer.
pub fn attach(id: Option<&str>) -> LabResult<LabClient> {
    attach_in(&runtime::folder()?, id)
}

/// The same for the labs below `folder`, and not those of this session.
///
/// # Errors
/// As [`attach`].
pub fn attach_in(folder: &Path, id: Option<&str>) -> LabResult<LabClient> {
    attach_within(folder, id, ANSWERS_WITHIN)
}

/// The same for a lab that is to answer `within` a time.
fn attach_within(folder: &Path, id: Option<&str>, within: Duration) -> LabResult<LabClient> {
    let until = Instant::now() + within;
    loop {
        let chosen = choose(folder, id)?;
        let left = until.saturating_duration_since(Instant::now());
        let error = match reach(folder, &chosen, left) {
            // A lab that starts, or ends, holds its folder and takes no connection, or
            // drops one that it has taken.
            Err(error @ (LabError::NoSuchLab(_) | LabError::Target(TargetError::Gone(_)))) => error,
            settled => return settled,
        };
        if !runtime::labs(folder).contains(&chosen) {
            if id.is_some() {
                return Err(LabError::NoSuchLab(chosen));
            }
        } else if left.is_zero() {
            tracing::debug!("lab {chosen}: {error}");
            return Err(LabError::Unresponsive(runtime::unresponsive(folder, &chosen)));
        }
        thread::sleep(LOOK_AGAIN);
    }
}

/// The lab `id`, or the only one that lives.
fn choose(folder: &Path, id: Option<&str>) -> LabResult<String> {
    if let Some(id) = id {
        return Ok(id.to_owned());
    }
    let mut labs = runtime::labs(folder);
    match labs.len() {
        0 => Err(LabError::NoLab),
        1 => Ok(labs.remove(0)),
        _ => Err(LabError::WhichLab(labs)),
    }
}

fn reach(folder: &Path, id: &str, within: Duration) -> LabResult<LabClient> {
    let stream = runtime::connect(folder, id)?;
    match Remote::over_socket_within(stream, within) {
        Ok(remote) => Ok(LabClient { id: id.into(), target: Arc::new(remote), tie: None }),
        Err(TargetError::Silent(_)) => {
            Err(LabError::Unresponsive(runtime::unresponsive(folder, id)))
        }
        Err(error) => Err(error.into()),
    }
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
    ours.set_read_timeout(Some(BORN_WITHIN))
        .and_then(|()| BufReader::new(&ours).read_line(&mut line))
        .map_err(LabError::io("hear from the lab process"))?;
    let id = match serde_json::from_str(&line) {
        Ok(Startup::Listening(id)) => id,
        Ok(Startup::Failed(why)) => return Err(LabError::NotStarted(why)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::api::{Item, LabRequest};
    use crate::kernel::{Call, CallControl, Request, Sink, TargetResult};
    use crate::lab::runtime::LabFolder;
    use std::sync::Mutex;

    /// A lab that tells one status and is silent from then on.
    struct SilentLab(LabStatus);
    impl Target for SilentLab {
        fn start(&self, request: Request, mut sink: Sink) -> TargetResult<Call> {
            assert_eq!(request, Request::Lab(LabRequest::Watch));
            sink(Item::Lab(self.0.clone().into()));
            struct Kept(Mutex<Option<Sink>>);
            impl CallControl for Kept {
                fn cancel(&self) {
                    drop(self.0.lock().unwrap().take());
                }
            }
            Ok(Call::new(Arc::new(Kept(Mutex::new(Some(sink))))))
        }
    }

    fn lab(status: LabStatus) -> LabClient {
        LabClient { id: "1".into(), target: Arc::new(SilentLab(status)), tie: None }
    }

    #[test]
    fn a_wait_ends_in_time_though_no_status_arrives() {
        let lab = lab(LabStatus { guest: GuestState::Running, ..LabStatus::default() });
        let until = Instant::now() + Duration::from_millis(20);
        let (send, ended) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let waited = lab.wait(Some(until), |status| status.stick_plugged);
            drop(send.send(waited));
        });
        let waited = ended.recv_timeout(Duration::from_secs(60)).expect("it goes on waiting");
        assert_eq!(waited.unwrap(), None);
        assert!(Instant::now() >= until);
    }

    #[test]
    fn a_stick_that_can_not_be_plugged_in_is_not_waited_for() {
        let status = LabStatus {
            guest: GuestState::Running,
            stick_trouble: Some("QEMU refused device_add: no".into()),
            ..LabStatus::default()
        };
        assert_eq!(lab(status.clone()).wait_ready().unwrap(), status);
    }

    #[test]
    fn a_lab_that_dies_while_somebody_connects_is_no_lab() {
        for id in [None, Some("1")] {
            let place = tempfile::tempdir().unwrap();
            let lab = LabFolder::create(place.path()).unwrap();
            let socket = lab.listen().unwrap();
            let dies = thread::spawn(move || {
                drop(socket.accept().unwrap());
                drop(socket);
                // It still holds its folder.
                thread::sleep(Duration::from_millis(50));
                drop(lab);
            });
            let error = attach_in(place.path(), id).err().unwrap();
            assert!(matches!(error, LabError::NoLab | LabError::NoSuchLab(_)), "{error}");
            dies.join().unwrap();
        }
    }

    #[test]
    fn a_lab_that_is_starting_is_waited_for() {
        let place = tempfile::tempdir().unwrap();
        let lab = LabFolder::create(place.path()).unwrap();
        let folder = place.path().to_owned();
        let attached = thread::spawn(move || attach_in(&folder, None).err());
        thread::sleep(Duration::from_millis(50));
        assert!(!attached.is_finished(), "it gave up");
        let socket = lab.listen().unwrap();
        let taken = socket.accept().unwrap();
        drop((taken, lab, socket));
        assert!(matches!(attached.join().unwrap(), Some(LabError::NoLab)));
    }

    #[test]
    fn a_lab_that_never_takes_a_connection_does_not_answer() {
        let place = tempfile::tempdir().unwrap();
        let _lab = LabFolder::create(place.path()).unwrap();
        let attached = attach_within(place.path(), None, Duration::from_millis(50));
        assert!(matches!(attached.err(), Some(LabError::Unresponsive(_))));
    }
}
