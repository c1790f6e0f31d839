//! The way through containers, and what it has cost so far.

use std::io::{self, Cursor, Read};
use std::ops::ControlFlow;

use super::{ContainerError, Content, HEAD, Kind, Place, Source, Visit};
use super::{animation, gzip, heif, pdf, psd, seven, tar, zip};
use crate::clip::looks_like_one;
use crate::format::{probe, tga};
use crate::picture::Picture;
use crate::{Frame, FrameError, Limits};

/// Where the way has led, and what may still be asked for.
pub(super) struct Walker<'a> {
    pub(super) limits: &'a Limits,
    visit: &'a mut Visit<'a>,
    trail: Vec<Place>,
    /// Containers that are open.
    depth: u32,
    members: u64,
    unpacked: u64,
    /// Bytes of the containers in memory.
    held: u64,
    /// Whether nothing more is granted to the file, wherever in it the way has led.
    pub(super) exhausted: bool,
}

/// Why a member was not read to its end.
enum Broken {
    /// Its own fault, or its packing's.
    Member(String),
    /// No more is granted to the file.
    Limit(ContainerError),
}

impl<'a> Walker<'a> {
    /// At the door of the outermost container.
    pub(super) fn new(limits: &'a Limits, visit: &'a mut Visit<'_>) -> Self {
        Self {
            limits,
            visit,
            trail: Vec::new(),
            depth: 0,
            members: 0,
            unpacked: 0,
            held: 0,
            exhausted: false,
        }
    }

    /// Everything in a container.
    pub(super) fn inside(&mut self, kind: Kind, source: &mut dyn Source) -> Result<(), ContainerError> {
        match kind {
            Kind::Zip => zip::walk(source, self),
            Kind::SevenZip => seven::walk(source, self),
            Kind::Tar | Kind::Gzip => self.along(kind, source),
            _ => {
                let mut bytes = Vec::new();
                let most = self.limits.max_file_bytes.saturating_sub(self.held);
                let read = Read::take(&mut *source, most.saturating_add(1)).read_to_end(&mut bytes);
                read.map_err(|error| ContainerError::io(kind, &error))?;
                if bytes.len() as u64 > most {
                    return Err(ContainerError::OverLimit(format!(
                        "more than {most} bytes to be held at once"
                    )));
                }
                self.document(kind, &bytes)
            }
        }
    }

    /// The kinds that are read from front to back.
    fn along(&mut self, kind: Kind, source: &mut dyn Read) -> Result<(), ContainerError> {
        if kind == Kind::Tar { tar::walk(source, self) } else { gzip::walk(source, self) }
    }

    /// The kinds that are held in memory.
    fn document(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), ContainerError> {
        match kind {
            Kind::Pdf => pdf::walk(bytes, self),
            Kind::Photoshop => psd::walk(bytes, self),
            Kind::Heif => heif::walk(bytes, self),
            _ => animation::walk(kind, bytes, self),
        }
    }

    /// A member that is a file: handed over if it may be a picture, opened if it is a container, passed over if it is neither.
    pub(super) fn member(&mut self, place: Place, reader: &mut dyn Read) -> Result<(), ContainerError> {
        self.at(place, |walker| walker.look(reader))
    }

    /// A member that is a file in memory.
    pub(super) fn file(&mut self, place: Place, bytes: Vec<u8>) -> Result<(), ContainerError> {
        self.at(place, |walker| walker.give(Content::File(bytes)))
    }

    /// A member that is bare samples, or cannot be understood.
    pub(super) fn picture(
        &mut self,
        place: Place,
        picture: Result<Picture, FrameError>,
    ) -> Result<(), ContainerError> {
        self.at(place, |walker| {
            walker.give(match picture {
                Ok(picture) => Content::Picture(Box::new(Frame::part(picture))),
                Err(error) => Content::Unreadable(error.to_string()),
            })
        })
    }

    /// A member that cannot be looked at.
    pub(super) fn unreadable(&mut self, place: Place, reason: &str) -> Result<(), ContainerError> {
        self.at(place, |walker| walker.give(Content::Unreadable(reason.to_owned())))
    }

    /// So many bytes came out of packing.
    pub(super) fn spend(&mut self, bytes: u64) -> Result<(), ContainerError> {
        self.unpacked = self.unpacked.saturating_add(bytes);
        if self.unpacked > self.limits.max_unpacked_bytes {
            self.exhausted = true;
            return Err(ContainerError::OverLimit(format!(
                "more than {} bytes come out of it, --max-unpacked allows more",
                self.limits.max_unpacked_bytes
            )));
        }
        Ok(())
    }

    /// What may still be unpacked.
    pub(super) fn unspent(&self) -> u64 {
        self.limits.max_unpacked_bytes.saturating_sub(self.unpacked)
    }

    /// Read what nobody wants, to come to what lies behind it.
    pub(super) fn drain(&mut self, kind: Kind, reader: &mut dyn Read) -> Result<(), ContainerError> {
        let mut buffer = [0; 16 << 10];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => self.spend(read as u64)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ContainerError::io(kind, &error)),
            }
        }
    }

    fn at(
        &mut self,
        place: Place,
        look: impl FnOnce(&mut Self) -> Result<(), ContainerError>,
    ) -> Result<(), ContainerError> {
        self.members += 1;
        if self.members > self.limits.max_members {
            self.exhausted = true;
            let most = self.limits.max_members;
            return Err(ContainerError::OverLimit(format!(
                "more than {most} members, --max-members allows more"
            )));
        }
        self.trail.push(place);
        let looked = look(self);
        self.trail.pop();
        looked
    }

    fn give(&mut self, content: Content) -> Result<(), ContainerError> {
        match (self.visit)(&self.trail, content) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => {
                self.exhausted = true;
                Err(ContainerError::Stopped)
            }
        }
    }

    fn look(&mut self, reader: &mut dyn Read) -> Result<(), ContainerError> {
        let mut bytes = Vec::new();
        if let Err(broken) = self.take(reader, HEAD as u64, &mut bytes) {
            return self.broken(broken);
        }
        if let Some(kind) = Kind::of(&bytes) {
            return self.nested(kind, bytes, reader);
        }
        if !may_be_a_picture(&bytes) {
            return Ok(());
        }
        match self.hold(reader, &mut bytes) {
            Err(broken) => self.broken(broken),
            // TGA has no magic number: the whole of it may say otherwise.
            Ok(()) if probe(&bytes) == Err(FrameError::NotAPicture) && looks_like_one(&bytes).is_none() => {
                Ok(())
            }
            Ok(()) => self.give(Content::File(bytes)),
        }
    }

    fn nested(&mut self, kind: Kind, mut head: Vec<u8>, reader: &mut dyn Read) -> Result<(), ContainerError> {
        // The outermost is not counted by `depth`.
        if self.depth + 1 >= self.limits.max_depth {
            let most = self.limits.max_depth;
            let reason = format!("is a {kind} that lies in {most} others, --max-depth allows more");
            return self.give(Content::Unreadable(reason));
        }
        self.depth += 1;
        let walked = if kind.streams() {
            self.along(kind, &mut Cursor::new(head).chain(reader))
        } else {
            match self.hold(reader, &mut head) {
                Err(Broken::Member(reason)) => Err(ContainerError::damaged(kind, reason)),
                Err(Broken::Limit(error)) => Err(error),
                Ok(()) => {
                    let length = head.len() as u64;
                    self.held += length;
                    let walked = self.inside_memory(kind, &head);
                    self.held -= length;
                    walked
                }
            }
        };
        self.depth -= 1;
        match walked {
            Ok(()) => Ok(()),
            Err(error) if self.exhausted => Err(error),
            Err(error) => self.give(Content::Unreadable(error.to_string())),
        }
    }

    fn inside_memory(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), ContainerError> {
        if kind.is_archive() {
            self.inside(kind, &mut Cursor::new(bytes))
        } else {
            self.document(kind, bytes)
        }
    }

    /// The rest of a member, if it may be in memory together with the containers around it.
    fn hold(&mut self, reader: &mut dyn Read, bytes: &mut Vec<u8>) -> Result<(), Broken> {
        let most = self.limits.max_file_bytes.saturating_sub(self.held);
        self.take(reader, most.saturating_sub(bytes.len() as u64).saturating_add(1), bytes)?;
        if bytes.len() as u64 > most {
            let limit = self.limits.max_file_bytes;
            return Err(Broken::Member(format!(
                "is too large to be held in memory: the limit is {limit} bytes"
            )));
        }
        Ok(())
    }

    fn take(&mut self, reader: &mut dyn Read, most: u64, bytes: &mut Vec<u8>) -> Result<(), Broken> {
        let granted = self.unspent();
        let before = bytes.len();
        // One byte more tells a member that ends at the limit from one that goes on.
        let read = reader.take(most.min(granted.saturating_add(1))).read_to_end(bytes);
        self.spend((bytes.len() - before) as u64).map_err(Broken::Limit)?;
        match read {
            Ok(_) => Ok(()),
            Err(error) => Err(Broken::Member(format!("cannot be unpacked: {error}"))),
        }
    }

    fn broken(&mut self, broken: Broken) -> Result<(), ContainerError> {
        match broken {
            Broken::Limit(error) => Err(error),
            Broken::Member(reason) => self.give(Content::Unreadable(reason)),
        }
    }
}

/// Whether the beginning of a file is one that this room has heard of.
fn may_be_a_picture(head: &[u8]) -> bool {
    probe(head) != Err(FrameError::NotAPicture)
        || tga::begins_like_one(head)
        || looks_like_one(head).is_some()
}
