// SPDX-License-Identifier: MIT OR Apache-2.0
//! The modules' devices and files, called at random in a guest, from two processes, and
//! held against a model of what each call must return. On the debug kernel the modules
//! are built with KCOV, and what comes by something new is kept and changed further.
//!
//! `corpus/` holds programs that reach far, a line for each call; each run begins with
//! them. What a run finds lies in `target/tmp/fuzz-…/found` afterwards.

mod actor;
mod arena;
mod c_program;
mod call;
mod expect;
mod files;
mod kcov;
mod make;
mod model;
mod world;

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::libc;

use self::call::{Call, Program};
use self::expect::Expect;
use self::world::World;
use crate::kernel_log;
use crate::random::Random;
use crate::run_in_guest::{self, built, built_modules, flavour, repository, run_with};

/// How long a run without `RINGSIDE_FUZZ` takes, the start of the guest left out.
const SHORT: Duration = Duration::from_secs(15);
/// And how many calls it makes at least, on a busy computer, too.
const FEW: u64 = 500;
/// A program that takes longer than this hangs.
const HANGS_AFTER: Duration = Duration::from_secs(240);

const NAME: &str = "guest::whatever_is_called_returns_what_it_should_and_does_no_harm";

/// Where the guest tells what it is about, and puts what it finds.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{}", flavour()))
}

#[test]
fn whatever_is_called_returns_what_it_should_and_does_no_harm() {
    let folder = folder();
    if !run_in_guest::is_inside() {
        fs::create_dir_all(folder.join("found")).expect("the target folder can be written");
        for file in ["now", "done"] {
            fs::write(folder.join(file), "").expect("it can be written");
        }
    }
    let options = ["--rw", folder.to_str().expect("a path in UTF-8")];
    let outcome = std::panic::catch_unwind(|| {
        run_with(NAME, &options, || vec![with_coverage()], || fuzz(&folder));
    });
    if !run_in_guest::is_inside() {
        println!("{}", fs::read_to_string(folder.join("done")).unwrap_or_default());
    }
    if let Err(panic) = outcome {
        // Of a guest that died, this is all there is.
        if !run_in_guest::is_inside() {
            let last = fs::read_to_string(folder.join("now")).unwrap_or_default();
            if !last.trim().is_empty() {
                println!("the last program that was begun:\n{last}\n{}", as_c(&last));
            }
        }
        std::panic::resume_unwind(panic);
    }
}

/// The modules, which tell KCOV on a kernel that has it where they are.
fn with_coverage() -> PathBuf {
    if std::env::var_os("RINGSIDE_TEST_MODULE_SOURCES").is_some() {
        return built_modules();
    }
    let copy = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("kcov");
    for part in ["modules", "uapi"] {
        copy_folder(&repository().join(part), &copy.join(part));
    }
    let kbuild = copy.join("modules/Kbuild");
    let text = fs::read_to_string(&kbuild).expect("it was copied");
    let instrumented = format!("{text}\nKCOV_INSTRUMENT := y\n");
    fs::write(kbuild, instrumented).expect("the copy can be written");
    built(&copy.join("modules"))
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the target folder can be written");
    for entry in fs::read_dir(from).expect("the folder is there").flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_folder(&path, &to);
        } else {
            fs::copy(&path, &to).expect("a file can be copied");
        }
    }
}

fn as_c(text: &str) -> String {
    call::parse(text).map_or_else(String::new, |program| c_program::of(&program, &[]))
}

/// New lines of the kernel's log.
struct Log(File);

impl Log {
    fn open() -> Self {
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open("/dev/kmsg");
        let mut file = file.expect("root can read /dev/kmsg");
        file.seek(SeekFrom::End(0)).expect("it has an end");
        Self(file)
    }

    /// The first line that belongs to a report, of those that have come since.
    fn report(&mut self) -> Option<String> {
        let mut record = [0; 8192];
        loop {
            match self.0.read(&mut record) {
                Ok(size) => {
                    let text = String::from_utf8_lossy(&record[..size]);
                    if kernel_log::is_report(&text) {
                        return Some(text.into_owned());
                    }
                }
                Err(error) if error.raw_os_error() == Some(libc::EPIPE) => {}
                Err(_) => return None,
            }
        }
    }
}

/// When there is enough.
enum End {
    Calls(u64),
    At(Instant),
}

impl End {
    fn of_this_run() -> Self {
        match std::env::var("RINGSIDE_FUZZ") {
            Ok(calls) => Self::Calls(calls.parse().expect("RINGSIDE_FUZZ is a number of calls")),
            Err(_) => Self::At(Instant::now() + SHORT),
        }
    }

    fn has_come(&self, made: u64) -> bool {
        match self {
            Self::Calls(calls) => made >= *calls,
            Self::At(end) => Instant::now() >= *end && made >= FEW,
        }
    }
}

/// What lies in the repository.
fn corpus() -> Vec<Program> {
    let folder = repository().join("tests/fuzz/guest/corpus");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("there is one").flatten().map(|entry| entry.path()).collect();
    files.sort();
    let parsed = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a program is text");
        let program = call::parse(&text);
        make::tame(program.unwrap_or_else(|| panic!("{} is no program", path.display())))
    };
    files.iter().map(parsed).collect()
}

fn fuzz(folder: &Path) {
    let end = End::of_this_run();
    let mut random = Random::new();
    println!("RINGSIDE_SEED={}", random.seed());
    let begun = Instant::now();
    let mut world = World::new();
    let mut log = Log::open();
    let now = File::options().write(true).open(folder.join("now")).expect("the host made it");
    let mut kept = Vec::new();
    let mut waiting = corpus();
    let (mut programs, mut calls) = (0_u64, 0_u64);
    let mut results: HashMap<&str, u64> = HashMap::new();
    static PROGRESS: AtomicU64 = AtomicU64::new(0);
    watch(&PROGRESS, folder.join("now"));
    while !end.has_come(calls) {
        let program = match waiting.pop() {
            Some(program) => program,
            None if kept.is_empty() || random.once_in(if world.is_guided() { 4 } else { 2 }) => {
                make::program(&mut random)
            }
            None => {
                let [one, other]: [&Program; 2] =
                    std::array::from_fn(|_| &kept[random.below(kept.len())]);
                make::changed(&mut random, one, other)
            }
        };
        let text = call::text(&program);
        // At once, and over all of what was there.
        let told = format!("{text:\n<8192}");
        now.write_all_at(told.as_bytes(), 0).expect("the host made it");
        let outcome = world.run(&program);
        if let Some(report) = log.report() {
            fail(&program, program.len(), &format!("the kernel reported {report}"));
        }
        match outcome {
            Ok(news) if news || !world.is_guided() && programs % 16 == 0 => {
                if news {
                    let mut hasher = DefaultHasher::new();
                    text.hash(&mut hasher);
                    let name = format!("{:016x}.txt", hasher.finish());
                    fs::write(folder.join("found").join(name), text).expect("it is kept");
                }
                kept.push(program.clone());
            }
            Ok(_) => {}
            Err(mismatch) => fail(&program, mismatch.call, &mismatch.why),
        }
        for call in &program {
            *results.entry(call.op.name()).or_default() += 1;
        }
        programs += 1;
        calls += program.len() as u64;
        PROGRESS.store(programs, Ordering::Relaxed);
        if programs % 200 == 0 || end.has_come(calls) {
            let seconds = begun.elapsed().as_secs();
            let (kept, places) = (kept.len(), world.places());
            let done = format!(
                "{calls} calls in {programs} programs, {seconds} s; {kept} kept, {places} steps seen\n{results:?}\n"
            );
            fs::write(folder.join("done"), done).expect("the host made the folder");
        }
    }
    let (kept, places) = (kept.len(), world.places());
    drop(world);
    kernel_log::assert_clean();
    let words = format!("{programs} programs, {kept} kept, {places} steps seen");
    println!("figure: fuzz-guest-{} {calls} {words}", flavour());
}

/// Ends the process with the program as C where none is finished for long.
fn watch(progress: &'static AtomicU64, now: PathBuf) {
    std::thread::spawn(move || {
        let mut before = u64::MAX;
        loop {
            std::thread::sleep(HANGS_AFTER);
            let done = progress.load(Ordering::Relaxed);
            if done == before {
                let text = fs::read_to_string(&now).unwrap_or_default();
                println!("it hangs:\n{text}\n{}", as_c(&text));
                std::process::exit(101);
            }
            before = done;
        }
    });
}

fn fail(program: &[Call], call: usize, why: &str) -> ! {
    let what = match program.get(call) {
        Some(call) => format!("{call}: {why}"),
        None => why.to_owned(),
    };
    let text = call::text(program);
    let c = c_program::of(program, &expected(program));
    panic!("{what}\n\n{text}\n{c}\n{}", kernel_log::lines().join("\n"));
}

/// What is expected of each call in a fresh world; only a hint, as nothing is called.
fn expected(program: &[Call]) -> Vec<Expect> {
    let mut model = model::Model::new(1 << 30, (1 << 56) - arena::PAGE);
    let mut told = Vec::new();
    for call in program {
        let expect = model.expect(call);
        if let Expect::Success(range) = &expect {
            model.note(call, *range.start());
        }
        told.push(expect);
    }
    told
}

#[test]
fn what_fails_is_printed_as_a_c_program_that_compiles() {
    let mut random = Random::from(3);
    let program: Program = (0..30).flat_map(|_| make::program(&mut random)).collect();
    let text = c_program::of(&program, &expected(&program));
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fuzz-c");
    fs::create_dir_all(&folder).expect("the target folder can be written");
    let source = folder.join("case.c");
    fs::write(&source, text).expect("it can be written");
    let output = std::process::Command::new("cc")
        .args(["-Wall", "-Wextra", "-Werror", "-o"])
        .arg(folder.join("case"))
        .arg(&source)
        .output()
        .expect("cc is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
