// SPDX-License-Identifier: MIT OR Apache-2.0
//! What it takes to add a view: the type below, and a line in the list of views.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::dashboard::core::config::{ColorDepth, Config, ThemeName};
use crate::dashboard::core::{
    About, CallTag, Command, Connection, Effect, Event, Key, Owner, Report, Shared, command,
};
use crate::dashboard::paint::{Canvas, Hits, Look, Role};
use crate::dashboard::shell::frame;
use crate::dashboard::shell::model::Model;
use crate::dashboard::shell::update::update;
use crate::dashboard::views::{View, Views};
use crate::kernel::Item;
use crate::kernel::api::{Holder, Request};

/// A view that asks who holds a module.
#[derive(Clone, Default)]
struct Tiny {
    holders: usize,
}

#[derive(Clone, Debug, PartialEq)]
enum Call {
    Holders,
}

static ABOUT: About = About {
    id: "tiny",
    title: "Tiny view",
    short: "Tiny",
    about: "How many hold the module",
    shows: "who holds a module",
    ..About::BARE
};

static COMMANDS: &[Command<Tiny>] =
    &[command("tiny-ask", &["w"], "Ask", "ask who holds the module", |_, shared| {
        let request = Request::Holders { name: "kmod".into() };
        shared.start(Owner::view(Call::Holders), "ask", Report::Listed, request);
    })];

impl View for Tiny {
    type Call = Call;

    fn commands() -> &'static [Command<Self>] {
        COMMANDS
    }

    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, _: &Shared) {
        let text = format!("{} hold it", self.holders);
        canvas.text(area.x, area.y, area.width, &text, Role::Text);
    }

    fn on_reply(&mut self, _: &mut Shared, Call::Holders: Call, item: Item) {
        if let Item::Holders(holders) = item {
            self.holders = holders.len();
        }
    }
}

/// A dashboard of two views, the second of which is ours.
struct Dashboard {
    model: Model,
    asked: Vec<CallTag>,
}

impl Dashboard {
    fn new() -> Self {
        let mut list = Views::all().into_list();
        list.truncate(1);
        list.push(Box::<Tiny>::default());
        let mut model = Model::with(Views::new(list), Config::default(), Default::default());
        model.size = (80, 24);
        model.link.connection = Connection::Up;
        Self { model, asked: Vec::new() }
    }

    fn send(&mut self, event: Event) {
        for effect in update(&mut self.model, event) {
            if let Effect::Start { tag, request: Request::Holders { .. }, .. } = effect {
                self.asked.push(tag);
            }
        }
    }

    fn keys(&mut self, keys: &str) {
        for key in Key::parse_many(keys).unwrap() {
            self.send(Event::Key(key));
        }
    }

    fn screen(&self) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
        let look = Look::new(ThemeName::Dark, ColorDepth::Indexed, true);
        frame::draw(&mut buffer, &mut Hits::default(), &self.model, look);
        let rows = (0..24).map(|y| (0..80).map(|x| buffer[(x, y)].symbol()).collect::<String>());
        rows.collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn a_view_in_the_list_has_a_tab_a_digit_a_picture_help_and_a_place_in_the_palette() {
    let mut dashboard = Dashboard::new();
    assert!(dashboard.screen().contains(" 2 Tiny view "), "{}", dashboard.screen());
    assert!(!dashboard.screen().contains("0 hold it"));
    dashboard.keys("2");
    let screen = dashboard.screen();
    assert!(screen.contains("[2 Tiny view]") && screen.contains("0 hold it"), "{screen}");
    assert!(screen.contains("How many hold the module") && screen.contains("w Ask"), "{screen}");
    dashboard.keys("?");
    assert!(dashboard.screen().contains("ask who holds the module"), "{}", dashboard.screen());
    dashboard.keys("<pagedown><esc>1:tiny");
    let screen = dashboard.screen();
    assert!(screen.contains("tiny-ask") && screen.contains("view 2: ask who holds"), "{screen}");
}

#[test]
fn a_reply_finds_the_view_that_asked_even_when_another_is_on_the_screen() {
    let mut dashboard = Dashboard::new();
    dashboard.keys("2w1");
    let tag = dashboard.asked[0];
    dashboard.send(Event::Item(tag, Item::Holders(vec![Holder::Module("usb".into())])));
    dashboard.send(Event::Item(tag, Item::Done(Ok(()))));
    dashboard.keys("2");
    assert!(dashboard.screen().contains("1 hold it"), "{}", dashboard.screen());
}
