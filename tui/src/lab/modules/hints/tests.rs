// SPDX-License-Identifier: MIT OR Apache-2.0
use std::fs;

use super::*;

#[test]
fn the_errors_of_both_compilers_find_their_row() {
    let hints = Hints::new(Path::new("/nowhere"));
    for (line, new) in [
        (
            "old.c:9:2: error: implicit declaration of function 'del_timer_sync'; did you mean 'x'?",
            "timer_delete_sync",
        ),
        (
            "old.c:9:2: error: call to undeclared function 'del_timer_sync'; ISO C99",
            "timer_delete_sync",
        ),
        ("old.c:9:2: error: ‘no_llseek’ undeclared here (not in a function)", "noop_llseek"),
        ("old.c:9:2: error: use of undeclared identifier 'no_llseek'", "noop_llseek"),
        (
            "old.c:3:10: fatal error: asm/semaphore.h: No such file or directory",
            "linux/semaphore.h",
        ),
        ("old.c:3:10: fatal error: 'asm/semaphore.h' file not found", "linux/semaphore.h"),
        (
            "old.c:9:9: error: 'struct task_struct' has no member named 'state'; did you mean 'stack'?",
            "READ_ONCE",
        ),
        ("old.c:9:9: error: no member named 'state' in 'struct task_struct'", "READ_ONCE"),
        ("old.c:9:9: error: too many arguments to function 'class_create'", "class_create(name)"),
        (
            "a.c:1:1: error: assignment to ‘char * (*)(const struct device *, umode_t *)’ \
             {aka ‘x’} from incompatible pointer type ‘char * (*)(struct device *, umode_t *)’",
            "char *devnode(const struct device *dev",
        ),
        (
            "a.c:1:1: error: incompatible function pointer types initializing \
             'void (*)(struct platform_device *)' with an expression of type \
             'int (struct platform_device *)'",
            "void remove(struct platform_device *pdev)",
        ),
        ("a.c:1:1: error: macro \"access_ok\" passed 3 arguments, but takes just 2", "access_ok"),
        ("/k/compiler.h:200:67: error: static assertion failed: \"(0666) & 2 is true\"", "0664"),
        (
            "a.c:1:1: error: ‘struct ftrace_ops’ has no member named ‘func’",
            "ringside kernel set CONFIG_FUNCTION_TRACER=y",
        ),
    ] {
        let hint = hints.about(line).unwrap_or_default();
        assert!(hint.contains(new), "{line}: {hint}");
    }
    for (error, source, new) in [
        ("invalid use of void expression", " if (!debugfs_create_u32(a, 0, b, &c))", "nothing"),
        ("storage size of ‘tv’ isn’t known", "  struct timeval tv;", "timespec64"),
        ("variable has incomplete type 'struct timeval'", "struct timeval tv;", "timespec64"),
    ] {
        let error = format!("a.c:1:1: error: {error}");
        let hint = hints.in_source(&error, source).unwrap_or_default();
        assert!(hint.contains(new), "{error}: {hint}");
    }
    assert_eq!(hints.in_source("a.c:1:1: error: expected ';'", "struct timeval tv"), None);
    assert_eq!(hints.about("x.c:1:1: error: implicit declaration of function 'mine'"), None);
    assert_eq!(hints.about("x.c:1:1: error: 'class_create' undeclared"), None);
    assert_eq!(hints.about("x.c:1:1: warning: 'del_timer_sync'"), None);
}

#[test]
fn the_kernels_headers_say_where_a_struct_is_and_which_names_are_taken() {
    let tree = tempfile::tempdir().unwrap();
    let folder = tree.path().join("include/linux");
    fs::create_dir_all(&folder).unwrap();
    let text = "struct file_operations {\n\tint x;\n};\nextern int simple_open(int);\n";
    fs::write(folder.join("fs.h"), text).unwrap();
    let hints = Hints::new(tree.path());
    for (line, part) in [
        ("invalid use of undefined type ‘struct file_operations’", "is defined in linux/fs.h"),
        ("incomplete definition of type 'struct file_operations'", "is defined in linux/fs.h"),
        ("array type has incomplete element type ‘struct gpio’", "gpiod_get"),
        ("static declaration of ‘simple_open’ follows non-static declaration", "of its own"),
        ("redefinition of ‘struct file_operations’", "of its own"),
        ("implicit declaration of function ‘simple_open’", "#include <linux/fs.h>"),
    ] {
        let line = format!("a.c:1:1: error: {line}");
        let hint = hints.about(&line).unwrap_or_default();
        assert!(hint.contains(part), "{line}: {hint}");
    }
    for (error, source, part) in [
        (
            "variable ‘fops’ has initializer but incomplete type",
            "static struct file_operations fops = {",
            "is defined in linux/fs.h",
        ),
        (
            "void value not ignored as it ought to be",
            "\tret = misc_deregister(&it);",
            "returns nothing",
        ),
        (
            "expected declaration specifiers or '...' before string constant",
            "MODULE_SUPPORTED_DEVICE(\"x\");",
            "5.12",
        ),
    ] {
        let error = format!("a.c:1:1: error: {error}");
        let hint = hints.in_source(&error, source).unwrap_or_default();
        assert!(hint.contains(part), "{error}: {hint}");
    }
    assert_eq!(hints.about("a.c:1:1: error: redefinition of ‘mine’"), None);
}
