// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a form or a question does with its answer: a closure over the view that
//! asked and over `S`, what all views share.

use std::any::{Any, TypeId};
use std::rc::Rc;

type Run<S, A> = Rc<dyn Fn(&mut dyn Any, &mut S, &A)>;

/// A closure over the state of one view, whose type only the view knows.
pub struct Handler<S, A: ?Sized> {
    of: TypeId,
    run: Run<S, A>,
}

impl<S, A: ?Sized> Clone for Handler<S, A> {
    fn clone(&self) -> Self {
        Self { of: self.of, run: Rc::clone(&self.run) }
    }
}

impl<S: 'static, A: ?Sized + 'static> Handler<S, A> {
    /// Needs the state of the view `V`; `()` is nobody's.
    pub fn of<V: 'static>(run: impl Fn(&mut V, &mut S, &A) + 'static) -> Self {
        let run = move |view: &mut dyn Any, shared: &mut S, answer: &A| {
            if let Some(view) = view.downcast_mut() {
                run(view, shared, answer);
            }
        };
        Self { of: TypeId::of::<V>(), run: Rc::new(run) }
    }

    /// Whose state it needs.
    pub fn view(&self) -> TypeId {
        self.of
    }

    /// Runs it on the state of the view that [`Self::view`] names.
    pub fn run(&self, view: &mut dyn Any, shared: &mut S, answer: &A) {
        (self.run)(view, shared, answer);
    }
}
