//! The pictures inside a container: each a finding of its own.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use tiermark_frame::Frame;
use tiermark_frame::clip::looks_like_one;
use tiermark_frame::container::{ContainerError, Content, Place};
use tiermark_ledger::Digest;

use super::open::Container;
use super::twins::{Order, Twins};
use super::{Traced, Tracer, hex};
use crate::inputs::Input;
use crate::verdict::Finding;

/// Members that wait to be looked at together, in bytes: with fewer, cores would idle while an archive is unpacked.
const MOST_WAITING: usize = 64 << 20;

/// Members on their way out of a container.
struct Members<'a> {
    tracer: &'a Tracer,
    input: &'a Input,
    container: Digest,
    twins: &'a Twins,
    order: Order,
    waiting: Vec<(Order, Vec<Place>, Content)>,
    bytes: usize,
    begun: Instant,
    each: &'a mut dyn FnMut(Traced),
}

impl Tracer {
    /// All findings of a container, those of its members first.
    pub(super) fn look_inside(
        &self,
        input: &Input,
        (container, sha256): (Container, Digest),
        (twins, order): (&Twins, Order),
        each: &mut dyn FnMut(Traced),
    ) {
        let kind = container.kind;
        let mut members = Members {
            tracer: self,
            input,
            container: sha256,
            twins,
            order,
            waiting: Vec::new(),
            bytes: 0,
            begun: Instant::now(),
            each,
        };
        let walked =
            container.walk(&self.options.limits, &mut |places, content| members.add(places, content));
        members.flush();
        let empty = members.order == order;
        let about = |finding: Finding| Traced::alone(Finding { sha256: Some(hex(sha256)), ..finding });
        match walked {
            Err(ContainerError::Stopped) => {
                let most = self.options.max_seconds.unwrap_or_default();
                let reason = format!(
                    "took more than {most} s, --max-seconds allows more; what came before was looked at"
                );
                (members.each)(about(Finding::unreadable(input.path.clone(), None, reason)));
            }
            Err(error) => {
                (members.each)(about(Finding::unreadable(input.path.clone(), None, error.to_string())));
            }
            Ok(()) if empty => {
                let reason = Some(format!("is a {kind} that holds no pictures"));
                (members.each)(about(Finding { reason, frames: 0, ..Finding::empty(input.path.clone()) }));
            }
            Ok(()) => {}
        }
    }

    fn look_at_member(
        &self,
        members: &Shared<'_>,
        order: Order,
        places: Vec<Place>,
        content: Content,
    ) -> Traced {
        let inside = |finding: Finding| finding.inside(places, Some(hex(members.container)));
        let path = || members.input.path.clone();
        let (sha256, frame) = match content {
            Content::Unreadable(reason) => {
                return Traced::alone(inside(Finding::unreadable(path(), None, reason)));
            }
            Content::File(bytes) => {
                let sha256 = Digest::of(&bytes);
                if !members.twins.claim(sha256, order) {
                    return Traced::alone(inside(Twins::untold(path(), hex(sha256))));
                }
                if let Some(container) = looks_like_one(&bytes) {
                    let finding = self.trace_unpacked(&members.input.path, sha256, container, &bytes);
                    return Traced::alone(inside(finding));
                }
                (sha256, Frame::decode(bytes, &self.options.limits))
            }
            Content::Picture(frame) => {
                let sha256 = Digest::from_bytes(frame.pixel_digest());
                if !members.twins.claim(sha256, order) {
                    return Traced::alone(inside(Twins::untold(path(), hex(sha256))));
                }
                (sha256, Ok(*frame))
            }
        };
        match frame {
            Ok(frame) => {
                let traced = self.judge(members.input, sha256, &frame, None);
                Traced::alone(inside(traced.finding))
            }
            Err(error) => {
                Traced::alone(inside(Finding::unreadable(path(), Some(hex(sha256)), error.to_string())))
            }
        }
    }
}

/// What members of one container share.
struct Shared<'a> {
    input: &'a Input,
    container: Digest,
    twins: &'a Twins,
}

impl Members<'_> {
    fn add(&mut self, places: &[Place], content: Content) -> ControlFlow<()> {
        self.bytes += match &content {
            Content::File(bytes) => bytes.len(),
            Content::Picture(frame) => frame.size().area() * usize::from(frame.bits()) / 2,
            Content::Unreadable(_) => 0,
        };
        self.order = self.order.next();
        self.waiting.push((self.order, places.to_vec(), content));
        if self.waiting.len() >= rayon::current_num_threads() || self.bytes > MOST_WAITING {
            self.flush();
        }
        let most = self.tracer.options.max_seconds;
        match most.is_some_and(|most| self.begun.elapsed() >= Duration::from_secs(most)) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn flush(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let shared = Shared { input: self.input, container: self.container, twins: self.twins };
        let tracer = self.tracer;
        let look = |(order, places, content)| tracer.look_at_member(&shared, order, places, content);
        let traced: Vec<Traced> = waiting.into_par_iter().map(look).collect();
        traced.into_iter().for_each(&mut *self.each);
        self.bytes = 0;
    }
}
