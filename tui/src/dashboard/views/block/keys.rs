// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the keys of view 5 do: before, keys, after.

use super::state::Block;
use super::tests::Script;
use crate::dashboard::core::Layer;
use crate::dashboard::views::fixture::{form_error, preview, screen};
use crate::kernel::api::{BlockAction, GuestState, Request};

fn last_action(script: &Script) -> &BlockAction {
    let mut asked = script.asked.iter().rev();
    let action = asked.find_map(|request| match request {
        Request::Block(BlockAction::Info | BlockAction::ReadAt { .. }) => None,
        Request::Block(action) => Some(action),
        _ => None,
    });
    action.unwrap()
}

/// The field that has the focus.
fn focus(script: &Script) -> &str {
    match script.model.layers.last() {
        Some(Layer::Form(form)) => &form.fields[form.focus].name,
        _ => "no form",
    }
}

#[test]
fn text_is_written_at_an_offset_and_appears() {
    let mut script = Script::new();
    script.keys("w<tab><ctrl-u>1s<tab><tab><ctrl-u>block!<enter>");
    assert_eq!(&script.disk[512..518], b"block!");
    assert_eq!(script.position, 518, "BWRITEOFFSET moves the position");
    let screen = screen(&mut script.model, 80, 24);
    assert!(screen.contains("00000200  62 6c 6f 63 6b 21"), "{screen}");
    assert!(screen.contains("wrote 6 bytes at 0x200"));
}

#[test]
fn tab_completes_the_path_of_a_file_and_no_other_data() {
    let mut script = Script::new();
    let completes = |script: &Script| match script.model.layers.last() {
        Some(Layer::Form(form)) => form.path().is_some(),
        _ => false,
    };
    script.keys("w<tab><tab><tab>");
    assert_eq!((focus(&script), completes(&script)), ("data", false));
    script.keys("<backtab><left><tab>");
    assert_eq!((focus(&script), completes(&script)), ("data", true));
}

#[test]
fn hex_and_patterns_are_written() {
    let mut script = Script::new();
    script.keys("w<tab><ctrl-u>0x100<tab><space><tab><ctrl-u>de ad<enter>");
    assert_eq!(&script.disk[0x100..0x103], [0xde, 0xad, 0]);
    script.keys("w<tab><ctrl-u>0x200<tab><space><tab><tab><ctrl-u>5<enter>");
    assert_eq!(&script.disk[0x200..0x206], [0xde, 0xad, 0xde, 0xad, 0xde, 0]);
}

#[test]
fn what_is_no_hex_is_refused_before_it_is_sent() {
    let mut script = Script::new();
    script.keys("w<tab><tab><space><tab><ctrl-u>xyz<enter>");
    assert!(form_error(&script.model).contains("is no hex digit"));
    assert_eq!(&script.disk[..5], b"hello");
}

#[test]
fn a_write_beyond_the_end_is_refused_before_it_is_sent() {
    let mut script = Script::new();
    script.keys("w<tab><ctrl-u>0xfffe<enter>");
    assert!(form_error(&script.model).contains("only 2 bytes are left from 0xfffe"));
}

#[test]
fn a_file_is_written_whole() {
    let mut script = Script::new();
    script.keys("w<tab><ctrl-u>4K<tab><left><tab><ctrl-u>/big<enter>");
    assert!(script.disk[4096..4096 + (40 << 10)].iter().all(|byte| *byte == b'x'));
    assert!(screen(&mut script.model, 80, 24).contains("wrote 40960 bytes at 0x1000"));
}

#[test]
fn a_size_is_honoured_whatever_is_written() {
    for (keys, wanted) in [
        ("<tab><ctrl-u>hi<tab>6", &b"hi\0\0\0\0"[..]),
        ("<tab><ctrl-u>hi there<tab>5", b"hi th"),
        ("<space><tab><ctrl-u>de ad<tab>3", b"\xde\xad\0"),
        ("<space><tab><ctrl-u>de ad<tab>1", b"\xde"),
        ("<space><space><tab><ctrl-u>de ad<tab>5", b"\xde\xad\xde\xad\xde"),
        ("<left><tab><ctrl-u>/big<down>4", b"xxxx"),
    ] {
        let mut script = Script::new();
        script.disk[0x100..0x110].fill(b'.');
        script.keys(&format!("w<tab><ctrl-u>0x100<tab>{keys}"));
        let size = format!("{}, 0x100", wanted.len());
        assert!(preview(&script.model).contains(&size), "{keys}: {}", preview(&script.model));
        script.keys("<enter>");
        assert_eq!(&script.disk[0x100..0x100 + wanted.len()], wanted, "{keys}");
        assert_eq!(script.disk[0x100 + wanted.len()], b'.', "{keys}");
    }
}

#[test]
fn a_file_shorter_than_the_size_is_followed_by_zeros() {
    let mut script = Script::new();
    script.disk.fill(b'.');
    script.keys("w<tab><ctrl-u>0<tab><left><tab><ctrl-u>/big<down>41K<enter>");
    assert_eq!(script.disk[(40 << 10) - 1..=40 << 10], *b"x\0");
    assert_eq!(script.disk[(41 << 10) - 1..=41 << 10], *b"\0.");
}

#[test]
fn a_size_of_the_last_time_is_not_taken_for_other_data() {
    let mut script = Script::new();
    script.keys("w<tab><ctrl-u>0<tab><tab><tab>512<enter>w");
    assert!(preview(&script.model).contains("\"hello\", 5"), "{}", preview(&script.model));
}

#[test]
fn a_file_that_does_not_fit_is_not_begun_and_the_form_says_why() {
    let mut script = Script::new();
    let before = script.disk.clone();
    script.keys("w<tab><ctrl-u>0xf000<tab><left><tab><ctrl-u>/big<enter>");
    assert_eq!(script.disk, before);
    assert_eq!(
        form_error(&script.model),
        "data: on the host, /big has more than 4096 bytes, which is all that is left on the \
         device from 0xf000"
    );
    assert_eq!(focus(&script), "data");
    // Where there is room it is written, and the form is gone.
    script.keys("<backtab><backtab><ctrl-u>0<enter>");
    assert!(script.model.layers.is_empty());
    assert_eq!(&script.disk[..4], b"xxxx");
}

#[test]
fn a_file_that_cannot_be_read_leaves_the_form_open_with_the_focus_on_the_path() {
    let mut script = Script::new();
    script.keys("w<tab><tab><left><tab><ctrl-u>/none<down><enter>");
    let error = form_error(&script.model);
    assert!(error.contains("/none: No such file or directory (ENOENT)"), "{error}");
    assert!(error.contains("on the host, "), "{error}");
    assert_eq!(focus(&script), "data");
    script.keys("<ctrl-u>/empty<enter>");
    assert!(form_error(&script.model).contains("the file is empty"));
}

#[test]
fn what_the_kernel_refuses_leaves_the_form_open_with_what_was_typed() {
    for keys in ["w<tab><tab><tab><ctrl-u>precious", "r<tab><tab><ctrl-u>7", "c<tab><tab><ctrl-u>7"]
    {
        let mut script = Script::new();
        script.keys(keys);
        let before = preview(&script.model);
        script.gone = true;
        script.keys("<enter>");
        let error = form_error(&script.model);
        assert!(error.contains("ENODEV"), "{keys}: {error}");
        assert_eq!(preview(&script.model), before, "{keys}");
        // Plugged in again, the same goes through.
        script.gone = false;
        script.keys("<enter>");
        assert!(script.model.layers.is_empty(), "{keys}");
    }
}

#[test]
fn what_is_no_number_is_a_question_mark_in_the_preview_and_not_0() {
    let mut script = Script::new();
    for (keys, line) in [
        ("r<right><tab><ctrl-u>zz<tab><ctrl-u>many", "ioctl(kmod, BREADOFFSET, {buf, ?, ?})"),
        ("w<tab><ctrl-u>", "ioctl(kmod, BWRITEOFFSET, {\"hello\", 5, ?})"),
        ("w<tab><tab><space><tab><ctrl-u>xy", "ioctl(kmod, BWRITEOFFSET, {?, ?, 0x0})"),
        ("o<ctrl-u>1.5M", "ioctl(kmod, KMOD_READ64, {buf, offset ?, size …})"),
        ("c<tab><ctrl-u>-1<tab><ctrl-u>", "pread(open(\"/dev/ringside-usb\"), buf, ?, ?)"),
    ] {
        script.keys(keys);
        let shown = preview(&script.model);
        assert!(shown.ends_with(line), "{keys}: {shown}");
        assert_ne!(form_error(&script.model), "", "{keys}");
        script.keys("<esc>");
    }
}

#[test]
fn paths_are_quoted_as_c_needs_it_and_offsets_beyond_32_bits_name_their_own_operation() {
    let mut script = Script::new();
    script.keys("w<tab><ctrl-u>0x100000000<tab><left><tab><ctrl-u>/my \"file\"");
    assert_eq!(
        preview(&script.model),
        "read(open(\"/my \\\"file\\\"\"), buf, …)  // a file on the host\n\
         ioctl(kmod, KMOD_WRITE64, {buf, offset 0x100000000, size …})"
    );
}

#[test]
fn reads_go_on_from_the_position() {
    let mut script = Script::new();
    script.keys("r<enter>");
    assert_eq!(last_action(&script), &BlockAction::Read { size: 512 });
    script.keys("r<enter>");
    assert_eq!(script.position, 1024);
    assert!(screen(&mut script.model, 80, 24).contains("read 512 bytes at 0x200"));
}

#[test]
fn what_is_looked_at_does_not_move_the_position() {
    let mut script = Script::new();
    script.keys("GgGo<ctrl-u>0x8000<enter>");
    assert_eq!(script.position, 0);
    assert!(screen(&mut script.model, 80, 24).contains("00008000  00"));
}

#[test]
fn the_cursor_takes_the_screen_along() {
    let mut script = Script::new();
    script.keys("jjjjjjjjjjjj");
    assert_eq!(script.model.views.get::<Block>().unwrap().cursor, 12 * 16);
    assert!(screen(&mut script.model, 80, 24).contains("000000c0"));
    script.keys("G");
    let screen = screen(&mut script.model, 80, 24);
    assert!(screen.contains("0000fff0") && screen.contains("0xffff (65535, sector 127)"));
}

#[test]
fn equal_ranges_are_called_equal() {
    let mut script = Script::new();
    script.keys("c<enter>");
    assert!(screen(&mut script.model, 80, 24).contains("see 4096 equal bytes"));
}

#[test]
fn the_next_difference_is_found() {
    let mut script = Script::new();
    script.stale = Some((0x123, 7));
    script.keys("c<enter>n");
    assert_eq!(script.model.views.get::<Block>().unwrap().cursor, 0x123);
    assert!(screen(&mut script.model, 80, 24).contains("pread sees 0x07"));
}

#[test]
fn the_stick_of_a_dead_guest_is_neither_pulled_out_nor_plugged_in() {
    let mut script = Script::new();
    if let Some(lab) = &mut script.model.link.lab {
        lab.guest = GuestState::Panicked { reason: "for a test".into() };
        script.model.link.post_mortem_left = Some(lab.generation);
    }
    script.keys("u");
    assert!(script.model.layers.is_empty());
}

#[test]
fn unplugging_asks_first_and_then_says_how_to_go_on() {
    let mut script = Script::new();
    script.keys("u");
    assert!(matches!(script.model.layers.last(), Some(Layer::Confirm(_))));
    script.keys("y");
    let screen = screen(&mut script.model, 80, 24);
    assert!(screen.contains("GONE") && screen.contains("the stick is out"), "{screen}");
    script.keys("w");
    assert!(script.model.layers.is_empty(), "there is nothing to write to");
}

#[test]
fn somebody_elses_write_is_read_again() {
    let mut script = Script::new();
    script.sample(1000, 0, 0);
    script.tick(1000);
    script.disk[0] = b'J';
    script.sample(1100, 0, 1);
    script.tick(1100);
    assert!(screen(&mut script.model, 80, 24).contains("Jello"));
}

#[test]
fn another_load_of_the_module_is_asked_again() {
    let mut script = Script::new();
    script.sample(90_000, 0, 0);
    script.tick(1000);
    script.gone = true;
    script.sample(90_100, 0, 0);
    script.tick(1100);
    assert!(!screen(&mut script.model, 80, 24).contains("GONE"));
    // The counters begin at 0 again.
    let mut sample = script.model.counters.shown().clone();
    sample.at_ms += 100;
    for counter in &mut sample.modules[0].counters {
        counter.value = "0".into();
    }
    script.model.counters.push(sample);
    script.tick(1200);
    assert!(screen(&mut script.model, 80, 24).contains("GONE"));
}

#[test]
fn what_was_done_is_in_the_command_log_and_looking_is_not() {
    let mut script = Script::new();
    script.keys("w<enter>sG");
    let lines: Vec<&str> =
        script.model.command_log.lines().map(|line| line.command.as_str()).collect();
    assert!(lines.contains(&"ioctl(kmod, BWRITEOFFSET, {\"hello\", 5, 0x0})"), "{lines:?}");
    assert!(lines.contains(&"ioctl(kmod, KMOD_SYNC)"));
    assert!(!lines.iter().any(|line| line.contains("KMOD_READ64")));
}

#[test]
fn a_device_that_claims_to_be_endless_is_no_panic() {
    let mut script = Script::new();
    if let Some(info) = &mut script.model.views.get_mut::<Block>().unwrap().info {
        info.size = u64::MAX;
    }
    for keys in ["G", "j", "l", "<pagedown>", "<pageup>", "g"] {
        script.keys(keys);
        screen(&mut script.model, 80, 24);
    }
}
