//! What can go wrong between a client and the server, once each.

use std::collections::VecDeque;
use std::time::Duration;

use crate::server::{Holder, Server};

/// Something that is to go wrong once.
pub(crate) struct Trouble {
    /// With its `api.`; none is any method.
    pub method: Option<&'static str>,
    /// How many matching calls pass first.
    pub skip: usize,
    /// What goes wrong.
    pub what: What,
}

impl Trouble {
    /// At the next call, whatever it is.
    pub(crate) fn next(what: What) -> Trouble {
        Trouble { method: None, skip: 0, what }
    }

    /// At the next call of a method.
    pub(crate) fn at(method: &'static str, what: What) -> Trouble {
        Trouble { method: Some(method), skip: 0, what }
    }

    /// The same, after so many matching calls more.
    pub(crate) fn after(self, skip: usize) -> Trouble {
        Trouble { skip, ..self }
    }
}

/// What goes wrong with a call.
pub(crate) enum What {
    /// The connection closes and nothing is applied.
    DropBefore,
    /// The call is applied and the connection closes without an answer.
    DropAfter,
    /// The call is applied and answered late, also when the client has hung up by then.
    Delay(Duration),
    /// The call is applied at once and answered late.
    DelayAnswer(Duration),
    /// The call is applied and the connection closes in the middle of the answer.
    HalfAnswer,
    /// An HTML page instead; nothing is applied.
    Html(u16),
    /// An HTML page instead, of a proxy that did not wait; the call is applied.
    HtmlAfter(u16),
    /// A fault with this code and text; nothing is applied.
    Fault(i32, &'static str),
    /// The answer false; nothing is applied.
    False,
    /// The page before of the same list; without one the call goes as always.
    RepeatPage,
    /// Something happens right before the call, which goes on to the next trouble in the queue.
    Meanwhile(Box<dyn FnOnce(&mut Server) + Send>),
}

impl What {
    /// A job of this cost arrives right before the call.
    pub(crate) fn job(holder: Holder, cost_millionths: i64) -> What {
        What::Meanwhile(Box::new(move |server| server.charge(&holder, cost_millionths)))
    }
}

/// The trouble of a call, taken out of the queue; `None` when it goes as always. A call passes along the queue:
/// the first trouble that matches fires when it has nothing left to skip, and the call goes no further; else it
/// skips one and the call goes on.
pub(crate) fn take(queue: &mut VecDeque<Trouble>, method: &str) -> Option<What> {
    let fires = |trouble: &mut Trouble| {
        let is_meant = trouble.method.is_none_or(|wanted| wanted == method);
        let is_due = is_meant && trouble.skip == 0;
        if is_meant && !is_due {
            trouble.skip -= 1;
        }
        is_due
    };
    let at = queue.iter_mut().position(fires)?;
    queue.remove(at).map(|trouble| trouble.what)
}
