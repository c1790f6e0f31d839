//! Many found files at once: each opened, looked at, and told of in its turn.

use std::sync::{Mutex, PoisonError};

use rayon::iter::{ParallelBridge, ParallelIterator};
use tiermark_frame::Frame;
use tiermark_ledger::Digest;

use super::open::{self, Found, Opened};
use super::twins::{Order, Twins};
use super::{Traced, Tracer, hex};
use crate::inputs::{Input, Inputs, why};
use crate::ordered::Ordered;
use crate::shots::{Place, Shots};
use crate::verdict::Finding;

impl Tracer {
    /// Trace all inputs on the threads of the pool this is called in; `each` gets the findings in order, those that
    /// could not be read first, and after the last frame of a shot the finding of the shot as a whole.
    ///
    /// A container has a finding for each picture in it. Of files and members with the same bytes only the first is looked at.
    pub fn trace_all(&self, inputs: Inputs, each: &(dyn Fn(&Finding) + Sync)) {
        let shots = Shots::of(&inputs.files);
        let (open, twins) = (Mutex::new(None), Twins::default());
        let deliver = |delivery: Delivery| {
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            let mut traced = match delivery {
                Delivery::Traced(traced) => *traced,
                Delivery::End(place) => {
                    self.ended(&mut open, place).iter().for_each(each);
                    return;
                }
            };
            // Frames of a shot are looked at each: they add up.
            if traced.shot.is_none() {
                traced.finding = twins.tell(traced.finding);
            }
            each(&traced.finding);
            if let Some(finding) = self.follow(&mut open, traced) {
                each(&finding);
            }
        };
        let ordered = Ordered::new(&deliver);
        let first = inputs.unreadable.len();
        for (index, one) in inputs.unreadable.into_iter().enumerate() {
            let unreadable = Traced::alone(Finding::unreadable(one.path, None, one.reason));
            ordered.put(index, Delivery::Traced(Box::new(unreadable)));
        }
        inputs.files.into_iter().enumerate().par_bridge().for_each(|(index, input)| {
            let place = (&twins, Order::file(index));
            let mut deliver = |traced| ordered.add(first + index, Delivery::Traced(Box::new(traced)));
            let end = self.trace_input(&input, shots.of_file(index), place, &mut deliver);
            end.into_iter().for_each(|place| ordered.add(first + index, Delivery::End(place)));
            ordered.end(first + index);
        });
    }

    /// Trace one file that is a picture or a clip; a container is sent back to be unpacked.
    pub fn trace(&self, input: &Input) -> Finding {
        match open::open(&input.path, &self.options.limits) {
            Ok(Opened { sha256, found: Found::Container(container) }) => {
                let reason =
                    format!("is a {}; unpack it, and take the pictures in it one by one", container.kind);
                Finding::unreadable(input.path.clone(), Some(hex(sha256)), reason)
            }
            Ok(Opened { sha256, found: Found::Picture(bytes) }) => {
                self.trace_picture(input, sha256, bytes, None).finding
            }
            Ok(Opened { sha256, found: Found::Clip(container) }) => {
                self.trace_clip(&input.path, &input.path, sha256, container)
            }
            Err(error) => Finding::unreadable(input.path.clone(), None, why(&input.path, &error)),
        }
    }

    /// All findings of one file; its place in a shot, if it turns out to be no picture.
    fn trace_input(
        &self,
        input: &Input,
        shot: Option<Place>,
        (twins, order): (&Twins, Order),
        each: &mut dyn FnMut(Traced),
    ) -> Option<Place> {
        match open::open(&input.path, &self.options.limits) {
            Err(error) => {
                let unreadable = Finding::unreadable(input.path.clone(), None, why(&input.path, &error));
                each(Traced { shot, ..Traced::alone(unreadable) });
            }
            Ok(Opened { sha256, found: Found::Container(container) }) => {
                self.look_inside(input, (container, sha256), (twins, order), each);
                return shot;
            }
            Ok(Opened { sha256, .. }) if shot.is_none() && !twins.claim(sha256, order) => {
                each(Traced::alone(Twins::untold(input.path.clone(), hex(sha256))));
            }
            Ok(Opened { sha256, found: Found::Picture(bytes) }) => {
                each(self.trace_picture(input, sha256, bytes, shot));
            }
            Ok(Opened { sha256, found: Found::Clip(container) }) => {
                each(Traced {
                    shot,
                    ..Traced::alone(self.trace_clip(&input.path, &input.path, sha256, container))
                });
            }
        }
        None
    }

    fn trace_picture(&self, input: &Input, sha256: Digest, bytes: Vec<u8>, shot: Option<Place>) -> Traced {
        match Frame::decode(bytes, &self.options.limits) {
            Ok(frame) => self.judge(input, sha256, &frame, shot),
            Err(error) => {
                let finding = Finding::unreadable(input.path.clone(), Some(hex(sha256)), error.to_string());
                Traced { shot, ..Traced::alone(finding) }
            }
        }
    }
}

/// What is handed on in the order of the files.
enum Delivery {
    Traced(Box<Traced>),
    /// A file of a shot that was no picture.
    End(Place),
}
