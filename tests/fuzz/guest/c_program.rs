// SPDX-License-Identifier: MIT OR Apache-2.0
//! A program of calls as a C program of its own.

use std::fmt::Write;

use ringside_uapi::{MODULES, kmod, memalloc};

use super::arena::{ARGUMENTS, DATA, NOWHERE, PAGE, ZONES};
use super::call::{Call, Op, escaped};
use super::expect::Expect;
use super::files::{self, LOADED};
use super::make::ACTOR;

const HEAD: &str = r#"#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Not every case calls all of these. */
#pragma GCC diagnostic ignored "-Wunused-function"

#define LOAD (1L << 32)
#define STORE (2L << 32)

/* What the second process is told to do. */
static volatile struct { long call[7], result; int pending; } *order;
static pid_t child;
static int fds[2][2][3];

static long make(volatile long *c)
{
	long result;

	if (c[0] == LOAD)
		return *(volatile long *)c[1];
	if (c[0] == STORE)
		return *(volatile long *)c[1] = c[2];
	result = syscall(c[0], c[1], c[2], c[3], c[4], c[5], c[6]);
	return result == -1 ? -errno : result;
}

static long on(int actor, long number, long a, long b, long c, long d, long e, long f)
{
	long call[7] = { number, a, b, c, d, e, f };

	if (!actor)
		return make(call);
	memcpy((void *)order->call, call, sizeof(call));
	__sync_synchronize();
	for (order->pending = 1; order->pending; sched_yield())
		;
	return order->result;
}

static void start_child(void)
{
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		memset(fds[1], 0, sizeof(fds[1]));
	}
	child = fork();
	if (child)
		return;
	for (;; sched_yield()) {
		if (!order->pending)
			continue;
		order->result = make(order->call);
		__sync_synchronize();
		order->pending = 0;
	}
}

static int fd(int actor, int device, int mode)
{
	static const char *const paths[] = { "/dev/memalloc", "/dev/kmod" };

	if (!fds[actor][device][mode]) {
		strcpy((char *)ARGUMENTS, paths[device]);
		fds[actor][device][mode] = on(actor, SYS_open, ARGUMENTS, mode, 0, 0, 0, 0);
	}
	return fds[actor][device][mode];
}

/* Writes the words of an argument, as far as they fit into what is mapped there. */
static void put(uintptr_t at, const uint64_t *words, size_t size)
{
	uintptr_t end = 0;

	if (at >= ARGUMENTS && at < ARGUMENTS_END)
		end = ARGUMENTS_END;
	if (at >= DATA && at < DATA_END)
		end = DATA_END;
	if (end)
		memcpy((void *)at, words, size < end - at ? size : end - at);
}

static void say(int call, long result, const char *expected)
{
	printf("%d: %ld", call, result);
	if (result < 0)
		printf(" (%s)", strerror(-result));
	printf("; expected: %s\n", expected);
	fflush(stdout);
}

static long put_file(const char *path, const char *text, size_t size, off_t offset)
{
	int file = open(path, O_WRONLY);
	long result = file < 0 ? -1 : pwrite(file, text, size, offset);

	result = result < 0 ? -errno : result;
	close(file);
	return result;
}

static long get_file(const char *path, size_t size, off_t offset)
{
	int file = open(path, O_RDONLY);
	long result = pread(file, (void *)DATA, size, offset);

	result = result < 0 ? -errno : result;
	close(file);
	return result;
}

"#;

/// A name for what has one.
fn command(device: Op, number: u64) -> String {
    let names: &[(u32, &str)] = match device {
        Op::Memalloc => &[
            (memalloc::ALLOCATE, "ALLOCATE"),
            (memalloc::FREE, "FREE"),
            (memalloc::SHAREPAGE, "SHAREPAGE"),
            (memalloc::ACCESSPAGE, "ACCESSPAGE"),
            (memalloc::WALK, "WALK"),
        ],
        _ => &[
            (kmod::BREAD, "BREAD"),
            (kmod::BWRITE, "BWRITE"),
            (kmod::BREADOFFSET, "BREADOFFSET"),
            (kmod::BWRITEOFFSET, "BWRITEOFFSET"),
            (kmod::INFO, "INFO"),
            (kmod::SYNC, "SYNC"),
            (kmod::READ64, "READ64"),
            (kmod::WRITE64, "WRITE64"),
        ],
    };
    let name = names.iter().find(|(known, _)| u64::from(*known) == number);
    format!("{number:#x} /* {} */", name.map_or("unknown", |(_, name)| name))
}

/// The statement for one call; its value is in `result` afterwards.
fn statement(call: &Call) -> String {
    let actor = call.actor;
    let [a, b, c, d, e, f, g] = call.number();
    let words =
        |words: &[String]| format!("(uint64_t[]){{ {} }}, {}", words.join(", "), 8 * words.len());
    let raw = |name: &str, arguments: [String; 6]| {
        format!("result = on({actor}, {name}, {});", arguments.join(", "))
    };
    let hex = |number: u64| format!("{number:#x}");
    let zero = || "0".to_owned();
    match call.op {
        Op::Memalloc => {
            let rest = match (e & 0xffff_ffff).checked_sub(ACTOR) {
                Some(which @ 0..2) if b == u64::from(memalloc::SHAREPAGE) => {
                    let pid = if which == 0 { "getpid()" } else { "child" };
                    format!("{:#x} | (uint32_t){pid}", e >> 32 << 32)
                }
                _ => hex(e),
            };
            let mut argument = vec![hex(d), rest];
            argument.resize(7, zero());
            format!(
                "(void)fd({actor}, 0, {a}); put({c:#x}, {});\n\t{}",
                words(&argument),
                raw(
                    "SYS_ioctl",
                    [
                        format!("fd({actor}, 0, {a})"),
                        command(call.op, b),
                        hex(c),
                        zero(),
                        zero(),
                        zero()
                    ]
                )
            )
        }
        Op::Kmod => {
            let size = match b as u32 {
                kmod::READ64 | kmod::WRITE64 => f as u32,
                _ => e as u32,
            };
            format!(
                "(void)fd({actor}, 1, {a}); fill({d:#x}, {size:#x}, {g:#x}); put({c:#x}, {});\n\t{}",
                words(&[hex(d), hex(e), hex(f)]),
                raw(
                    "SYS_ioctl",
                    [
                        format!("fd({actor}, 1, {a})"),
                        command(call.op, b),
                        hex(c),
                        zero(),
                        zero(),
                        zero()
                    ]
                )
            )
        }
        Op::Touch => {
            let at = a / PAGE * PAGE + if a % PAGE >= PAGE / 2 { PAGE - 8 } else { 0 };
            let name = if c == 0 { "LOAD" } else { "STORE" };
            format!(
                "/* Only where it is mapped. */\n\t{}",
                raw(name, [hex(at), hex(b), zero(), zero(), zero(), zero()])
            )
        }
        Op::Unmap => raw("SYS_munmap", [hex(a), hex(b), zero(), zero(), zero(), zero()]),
        Op::Protect => raw("SYS_mprotect", [hex(a), hex(b), hex(c), zero(), zero(), zero()]),
        Op::Remap => raw("SYS_mremap", [hex(a), hex(b), hex(c), hex(d), hex(NOWHERE), zero()]),
        Op::Advise => raw("SYS_madvise", [hex(a), hex(b), hex(c), zero(), zero(), zero()]),
        Op::Map => raw(
            "SYS_mmap",
            [
                hex(a),
                hex(b),
                hex(c),
                "MAP_SHARED | MAP_FIXED_NOREPLACE".into(),
                format!("fd({actor}, 0, 2)"),
                zero(),
            ],
        ),
        Op::Read => {
            let path = &files::all()[a as usize].path;
            format!("result = get_file(\"{path}\", {c}, {b});")
        }
        Op::Write => {
            let path = &files::all()[a as usize].path;
            let (text, size) = (escaped(&call.bytes), call.bytes.len());
            format!("result = put_file(\"{path}\", \"{text}\", {size}, {b});")
        }
        Op::Node if a == 0 => format!("result = get_file(\"/dev/ringside-usb\", {c}, {b});"),
        Op::Node => format!(
            "fill(DATA, {c}, {d:#x}); result = put_file(\"/dev/ringside-usb\", (char *)DATA, {c}, {b});"
        ),
        Op::Reload => {
            let (module, usual) = (MODULES[a as usize].name, LOADED[a as usize]);
            format!("result = reload(\"{module}\", \"{}\", \"{usual}\");", escaped(&call.bytes))
        }
        Op::Syscall => format!(
            "for (int i = 0; i < {a}; i++)\n\t\tresult = on({actor}, my_syscall(), 0, 0, 0, 0, 0, 0);"
        ),
        Op::Restart => "start_child(); result = 0;".into(),
    }
}

const MIDDLE: &str = r#"static void fill(uintptr_t at, size_t size, int byte)
{
	if (at >= ARGUMENTS && at < ARGUMENTS_END)
		memset((void *)at, byte, size < ARGUMENTS_END - at ? size : ARGUMENTS_END - at);
	if (at >= DATA && at < DATA_END)
		memset((void *)at, byte, size < DATA_END - at ? size : DATA_END - at);
}

static const char *folder;

static long load(const char *module, const char *parameters)
{
	char path[4096];
	int file;
	long result;

	snprintf(path, sizeof(path), "%s/%s.ko", folder, module);
	file = open(path, O_RDONLY | O_CLOEXEC);
	result = syscall(SYS_finit_module, file, parameters, 0);
	result = result < 0 ? -errno : result;
	close(file);
	return result;
}

static long reload(const char *module, const char *parameters, const char *usual)
{
	long result;

	for (int i = 0; i < 12; i++) {
		int *it = &fds[i / 6][i / 3 % 2][i % 3];

		if (*it)
			on(i / 6, SYS_close, *it, 0, 0, 0, 0, 0);
		*it = 0;
	}
	if (syscall(SYS_delete_module, module, O_NONBLOCK))
		return -errno;
	result = load(module, parameters);
	if (!result)
		syscall(SYS_delete_module, module, O_NONBLOCK);
	load(module, usual);
	return result;
}

static long my_syscall(void)
{
	FILE *file = fopen("/sys/kernel/my_syscall/number", "r");
	long number = -1;

	if (!file || fscanf(file, "%ld", &number) != 1)
		exit(2);
	fclose(file);
	return number;
}

"#;

/// The whole program; `expected` is what the model said of each call, as far as it came.
pub fn of(program: &[Call], expected: &[Expect]) -> String {
    let mut text = String::from(
        "/*\n * As root, in a guest: cc -o case case.c && ./case FOLDER_OF_THE_MODULES\n * The modules are loaded first; what is there already stays.\n */\n",
    );
    let mut line = |of: std::fmt::Arguments<'_>| {
        // Writing to a string does not fail.
        let _ = text.write_fmt(of);
    };
    for (name, zone) in [("ARGUMENTS", ARGUMENTS), ("DATA", DATA)] {
        line(format_args!(
            "#define {name} {:#x}ul\n#define {name}_END {:#x}ul\n",
            zone.start,
            zone.end()
        ));
    }
    line(format_args!("{HEAD}{MIDDLE}"));
    line(format_args!("int main(int argc, char **argv)\n{{\n\tlong result = 0;\n\n"));
    line(format_args!("\tfolder = argc > 1 ? argv[1] : \".\";\n"));
    line(format_args!(
        "\torder = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);\n"
    ));
    for zone in ZONES {
        let protection = if zone.writable { "PROT_READ | PROT_WRITE" } else { "PROT_READ" };
        line(format_args!(
            "\tmmap((void *){:#x}ul, {:#x}, {protection}, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);\n",
            zone.start, zone.size
        ));
    }
    for (module, parameters) in MODULES.iter().zip(LOADED) {
        line(format_args!("\tload(\"{}\", \"{parameters}\");\n", module.name));
    }
    line(format_args!("\tstart_child();\n\n"));
    for (number, call) in program.iter().enumerate() {
        let told = expected.get(number).map_or_else(|| "?".into(), Expect::to_string);
        line(format_args!("\t{}\n\tsay({number}, result, \"{told}\");\n", statement(call)));
    }
    line(format_args!("\tkill(child, SIGKILL);\n\treturn 0;\n}}\n"));
    text
}
