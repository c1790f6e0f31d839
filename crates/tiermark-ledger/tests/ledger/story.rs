//! Three studios without shared state, and the steps of the story that is played with them.

use std::collections::BTreeMap;

use crate::desk::{Desk, handle, now, source};
use tiermark_ledger::chain::{Grade, RuleBroken};
use tiermark_ledger::document::{Right, Source, Up};
use tiermark_ledger::store::Output;
use tiermark_ledger::studio::{FiledLine, Ground, Issued, Order, Terms};
use tiermark_ledger::{Digest, DocId, Packet, StudioError};
use time::{Duration, OffsetDateTime};

/// Minutes after the desk's nine o'clock.
pub(crate) fn at(minutes: i64) -> OffsetDateTime {
    now() + Duration::minutes(minutes)
}

/// All rights, all episodes.
pub(crate) fn terms() -> Terms {
    let rights = Right::NAMED.map(|(_, right)| right).into();
    let (episodes, kinds) = (Vec::new(), Vec::new());
    Terms { rights, episodes, kinds, max_depth: None, until: None, checked: "in-person".to_owned() }
}

pub(crate) struct Story {
    pub(crate) p: Desk,
    pub(crate) a: Desk,
    pub(crate) b: Desk,
}

/// A packet as it travels: as a file.
pub(crate) fn sent(packet: &Packet) -> Packet {
    Packet::parse(&packet.to_json()).unwrap()
}

pub(crate) fn filed(desk: &Desk, packet: &Packet, minutes: i64) -> Vec<FiledLine> {
    desk.studio.file(&sent(packet), at(minutes)).unwrap()
}

pub(crate) fn refusals(lines: Vec<FiledLine>) -> Vec<String> {
    lines.into_iter().filter_map(FiledLine::refused).collect()
}

impl Story {
    /// P delegates to A, A to B.
    pub(crate) fn new() -> Self {
        Self::with(&terms(), &terms()).unwrap()
    }

    pub(crate) fn with(to_a: &Terms, to_b: &Terms) -> Result<Self, StudioError> {
        let story = Self { p: Desk::named("Producer"), a: Desk::named("Animate"), b: Desk::named("Below") };
        let Self { p, a, b } = &story;
        enrol(p, a, None, to_a, 1)?;
        enrol(a, b, Some(0), to_b, 2)?;
        Ok(story)
    }
}

/// The project in which the n-th delegation to a desk counts; its own without.
pub(crate) fn ground(desk: &Desk, given: Option<usize>) -> Ground {
    let grounds = desk.studio.grounds(&desk.secrets).unwrap();
    grounds.into_iter().nth(given.map_or(0, |n| n + 1)).unwrap()
}

pub(crate) fn enrol(
    upper: &Desk,
    lower: &Desk,
    given: Option<usize>,
    terms: &Terms,
    minutes: i64,
) -> Result<(), StudioError> {
    let party = lower.studio.export_party().unwrap();
    assert_eq!(refusals(filed(upper, &party, minutes)), Vec::<String>::new());
    let root = lower.studio.root();
    let ground = ground(upper, given);
    let (_, packet) = upper.studio.delegate(&upper.secrets, &ground, root, terms, at(minutes))?;
    let accepted = lower.studio.accept(&lower.secrets, &sent(&packet), None, at(minutes)).unwrap();
    assert_eq!(accepted.producer, handle("Producer"));
    Ok(())
}

/// Hands frames to a named party, as `stamp` does, without any picture.
pub(crate) fn hand(
    giver: &Desk,
    given: Option<usize>,
    to: &str,
    sources: &[Source],
    minutes: i64,
) -> Result<Issued, StudioError> {
    let ground = ground(giver, given);
    let recipient = giver.studio.recipient(to, &ground, at(minutes))?;
    let issued =
        giver.studio.issue(&giver.secrets, &Order::down(&ground, &recipient), sources, at(minutes))?;
    seal(giver, &issued);
    Ok(issued)
}

pub(crate) fn seal(giver: &Desk, issued: &Issued) {
    let registry = giver.studio.registry();
    let output = |i: u32, name: &str| Output {
        i,
        sha256: copy_of(giver, name),
        pix: Digest::of(format!("values of {name} from {}", giver.name).as_bytes()),
        psnr_centi_db: 4800,
        z_milli: 30_000,
    };
    let outputs: Vec<Output> = issued.frames.records().iter().map(|r| output(r.i, &r.name)).collect();
    registry.seal_frames(issued.row.id, &outputs).unwrap();
    assert_eq!(registry.close_handover(issued.row.id).unwrap(), 0);
}

/// The digest of a marked file.
pub(crate) fn copy_of(giver: &Desk, name: &str) -> Digest {
    Digest::of(format!("{name} from {}", giver.name).as_bytes())
}

/// The packet that leaves with the files of a hand-over.
pub(crate) fn packet_of(giver: &Desk, issued: &Issued, minutes: i64) -> Packet {
    let delivered = giver.studio.deliver(&giver.secrets, issued.row.id, at(minutes)).unwrap().unwrap();
    sent(&delivered.packet.unwrap())
}

/// The recipient checks files that are all there, and answers.
pub(crate) fn receive(
    taker: &Desk,
    giver: &Desk,
    packet: Packet,
    minutes: i64,
) -> Result<Packet, StudioError> {
    let what = taker.studio.to_receive(packet, at(minutes))?;
    let there: BTreeMap<String, Digest> =
        what.files.iter().map(|(name, _)| (name.clone(), copy_of(giver, name))).collect();
    let seen = what.compare(&there);
    assert_eq!((seen.missing.len(), seen.changed.len()), (0, 0));
    Ok(taker.studio.receive(&taker.secrets, &what, &seen, at(minutes))?.packet)
}

/// What A passes on: frames that it received.
pub(crate) fn passed_on(a: &Desk, from: &Issued, names: &[&str]) -> Vec<Source> {
    let up = |name: &str| {
        let record = from.frames.records().iter().find(|record| record.name == name).unwrap();
        Some(Up { handover: from.row.id, i: record.i, content: record.pix })
    };
    let made = |name: &&str| Source {
        sha256: Digest::of(a.name.as_bytes()),
        up: up(name),
        ..source(name, "EP03-034")
    };
    names.iter().map(made).collect()
}

/// The whole story; each step can be left out.
#[derive(Clone, Copy)]
pub(crate) struct Steps {
    pub(crate) a_answers: bool,
    pub(crate) b_answers: bool,
    pub(crate) a_files: bool,
}

pub(crate) const ALL: Steps = Steps { a_answers: true, b_answers: true, a_files: true };

pub(crate) fn play(story: &Story, steps: Steps) -> (DocId, DocId) {
    let Story { p, a, b } = story;
    let sources = ["1.png", "2.png", "3.png"].map(|name| source(name, "EP03-034"));
    let to_a = hand(p, None, "Animate", &sources, 10).unwrap();
    let answer = receive(a, p, packet_of(p, &to_a, 11), 12).unwrap();
    if steps.a_answers {
        assert_eq!(refusals(filed(p, &answer, 13)), Vec::<String>::new());
    }
    let to_b = hand(a, Some(0), "Below", &passed_on(a, &to_a, &["1.png", "3.png"]), 20).unwrap();
    let packet = packet_of(a, &to_b, 21);
    if steps.b_answers {
        let answer = receive(b, a, packet, 22).unwrap();
        assert_eq!(refusals(filed(a, &answer, 23)), Vec::<String>::new());
    }
    if steps.a_files {
        let filing = a.studio.packet_of(to_b.row.id).unwrap();
        assert_eq!(refusals(filed(p, &filing, 30)), Vec::<String>::new());
    }
    (to_a.row.id, to_b.row.id)
}

pub(crate) fn grade(desk: &Desk, id: DocId) -> Result<Grade, RuleBroken> {
    desk.studio.verify(id.mark_id()).map(|verified| verified.grade())
}
