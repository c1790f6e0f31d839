//! The marks that can stand in one project, and how they are read: our own first, then the recipient's, and on down.
//!
//! Reading is a descent. The own slot is searched for; where a mark leads to a party with keys, the marks that this party may
//! have made are read under the same map, and so on. Each level tries the keys of one party, however many there are. Only
//! where nothing of ours is found, all parties of a small project are searched for at once: the first mark may be gone.

use std::collections::BTreeMap;

use tiermark_ledger::keys::tree::{Direction, NodeSecret};
use tiermark_ledger::store::StoreError;
use tiermark_ledger::studio::{Branch, Ground};
use tiermark_ledger::{Handle, Kid, MarkId, PartyId, Registry, Studio, StudioError};
use tiermark_mark::{
    ContentId, Detector, Effort, FalseAlarm, FrameEvidence, MarkKey, Payload, Picture, Question, Reading,
    Shot, WordEvidence,
};

use crate::secrets::{hop_keys, mark_id, payload};
use crate::verdict::ATTRIBUTION;

/// Marks of one party that are asked for one by one, the newest; others count when they are decoded.
const ASKED: usize = 128;
/// With more parties than this the search for all of them is left to an exhaustive one: each costs two hundredths of a
/// second for every map.
const FEW_PARTIES: usize = 6;
/// Hops, and so keys, of one slot.
const HOPS: usize = 16;

/// One project.
pub(super) struct Reader {
    /// The root that all documents of the project lead to.
    pub(super) root: Kid,
    own: Slots,
    below: BTreeMap<Kid, Slots>,
    /// All parties below at once, where they are few.
    all: Option<Slots>,
}

/// Slots that are read together.
struct Slots {
    detector: Detector,
    places: Vec<SlotPlace>,
    asked: Vec<Payload>,
    listed: usize,
}

/// Where in the chain a mark was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SlotPlace {
    /// Who makes marks there.
    pub(super) party: Kid,
    /// What it calls itself.
    pub(super) handle: Handle,
    /// The depth of its marks.
    pub(super) depth: u8,
    /// Down, or back up.
    pub(super) direction: Direction,
}

/// A word that is certain, and where in the chain it stands.
pub(super) struct Found {
    pub(super) reading: Reading,
    pub(super) place: SlotPlace,
    /// Whether the registry holds its hand-over.
    pub(super) listed: bool,
    /// After all searches of the file.
    pub(super) false_alarm: FalseAlarm,
    /// Keys tried in the search that found it.
    pub(super) keys: usize,
    /// Words that it had to be one of, where it is listed.
    pub(super) words: usize,
}

/// What is looked at: a picture, or the frames of a shot together.
pub(super) enum Seen<'a> {
    /// A picture, with its evidence where that was gathered already.
    Picture(&'a Picture<'a>, Option<&'a FrameEvidence>),
    /// The frames of a shot.
    Shot(&'a Shot),
}

/// What does not change from picture to picture.
pub(super) struct Asking<'a> {
    pub(super) question: Question<'a>,
    /// Searches that are made on the file in all.
    pub(super) searches: f64,
    /// Whether the registry holds a mark.
    pub(super) listed: &'a dyn Fn(MarkId) -> bool,
    /// The recipient of a hand-over that checks.
    pub(super) recipient: &'a dyn Fn(MarkId, Kid) -> Option<PartyId>,
}

impl Reader {
    /// A reader of one project, with everybody who is below us in it.
    pub(super) fn of(studio: &Studio, ground: &Ground, effort: Effort) -> Result<Self, StudioError> {
        let lattice = MarkKey::new(*ground.lattice.as_bytes());
        let (us, our_name) = (studio.root(), studio.party().handle.clone());
        let registry = studio.registry();
        let own = places(us, &our_name, ground.depth, &ground.node);
        let branches = studio.below(ground)?;
        let place = |branch: &Branch| places(branch.party, &branch.handle, branch.depth, &branch.node);
        let mut below: BTreeMap<Kid, Vec<_>> = BTreeMap::new();
        for branch in &branches {
            below.entry(branch.party).or_default().extend(place(branch));
        }
        let searched = effort == Effort::Exhaustive || branches.len() <= FEW_PARTIES;
        let all = branches.iter().filter(|_| searched).flat_map(place).collect::<Vec<_>>();
        let all = if all.is_empty() { None } else { Some(Slots::new(&lattice, all, registry)?) };
        let below =
            below.into_iter().map(|(party, places)| Ok((party, Slots::new(&lattice, places, registry)?)));
        Ok(Self {
            root: ground.root,
            own: Slots::new(&lattice, own, registry)?,
            below: below.collect::<Result<_, StoreError>>()?,
            all,
        })
    }

    /// Searches that this project asks for.
    pub(super) fn searches(&self) -> usize {
        1 + usize::from(self.all.is_some() || !self.below.is_empty())
    }

    /// The detector that shots gather evidence with.
    pub(super) fn evidence(&self, picture: &Picture<'_>, question: &Question<'_>) -> FrameEvidence {
        self.own.detector.read_frame(picture, &self.own.question(question))
    }

    /// The detector for marks of one place, also for comparison with decoys.
    pub(super) fn detector_at(&self, place: &SlotPlace) -> &Detector {
        let holds = |slots: &&Slots| slots.places.contains(place);
        let lower = || self.below.get(&place.party).filter(holds);
        if self.own.places.contains(place) {
            &self.own.detector
        } else {
            &lower().unwrap_or(&self.own).detector
        }
    }

    /// All words that are certain where an original was taken away. Its place in the lattice is known: no map is searched for.
    pub(super) fn read_informed(
        &self,
        evidence: &WordEvidence,
        content: &ContentId,
        ways: f64,
        asking: &Asking<'_>,
    ) -> Vec<Found> {
        let all = std::iter::once(&self.own).chain(self.below.values());
        let read = |slots: &Slots| {
            let question = slots.question(&asking.question);
            slots.certain(slots.detector.read_informed(evidence, content, &question, ways), asking)
        };
        all.flat_map(read).collect()
    }

    /// Slots that words are looked for in, the original taken away.
    pub(super) fn slots(&self) -> usize {
        1 + self.below.len()
    }

    /// All words that are certain, those of the upper tiers first.
    pub(super) fn read(&self, seen: &Seen<'_>, asking: &Asking<'_>) -> Vec<Found> {
        let mut found = self.first(seen, asking);
        let mut next = 0;
        while let Some(upper) = found.get(next) {
            next += 1;
            let first = upper.reading.clone();
            for slots in self.lower(upper, asking) {
                for lower in slots.beside(seen, &first, asking) {
                    let same = |other: &Found| {
                        (&other.place, other.reading.payload) == (&lower.place, lower.reading.payload)
                    };
                    if !found.iter().any(same) {
                        found.push(lower);
                    }
                }
            }
        }
        found.sort_by(|a, b| a.place.depth.cmp(&b.place.depth).then(b.reading.z.total_cmp(&a.reading.z)));
        found
    }

    /// The marks of our own slot; where there is none, those of all parties below, and ours again under the same map.
    fn first(&self, seen: &Seen<'_>, asking: &Asking<'_>) -> Vec<Found> {
        let (found, below) = match (seen, &self.all) {
            (Seen::Picture(picture, None), Some(all)) => {
                let (ours, theirs) = (self.own.question(&asking.question), all.question(&asking.question));
                let read = self.own.detector.read_or(&all.detector, picture, &ours, &theirs);
                (self.own.certain(read.0, asking), all.certain(read.1, asking))
            }
            _ => {
                let found = self.own.search(seen, asking);
                let all = self.all.as_ref().filter(|_| found.is_empty());
                // Evidence that was gathered is the own slot's.
                let anew = match seen {
                    Seen::Picture(picture, _) => Seen::Picture(picture, None),
                    Seen::Shot(shot) => Seen::Shot(shot),
                };
                (found, all.map_or_else(Vec::new, |all| all.search(&anew, asking)))
            }
        };
        let Some(lower) = below.first().filter(|_| found.is_empty()) else { return found };
        // The first tier's mark may be weak, and stand under this map all the same.
        let ours = self.own.beside(seen, &lower.reading, asking);
        below.into_iter().chain(ours).collect()
    }

    /// Whose marks may stand below this one: its recipient's, and those of whoever made it.
    fn lower(&self, upper: &Found, asking: &Asking<'_>) -> Vec<&Slots> {
        let mark = mark_id(upper.reading.payload);
        let recipient = (asking.recipient)(mark, self.root).map(|party| Kid::from_bytes(*party.as_bytes()));
        let parties = recipient.into_iter().chain([upper.place.party]);
        parties.filter_map(|party| self.below.get(&party)).collect()
    }
}

/// The slots of a party at this depth: what it hands down, and below a producer what it gives back.
fn places(party: Kid, handle: &Handle, depth: u8, node: &NodeSecret) -> Vec<(SlotPlace, Vec<MarkKey>)> {
    let slot = |direction: Direction, depth: u8| {
        let place = SlotPlace { party, handle: handle.clone(), depth, direction };
        (place, hop_keys(node, direction, depth))
    };
    let down = std::iter::once(slot(Direction::Down, depth + 1));
    down.chain((depth > 0).then(|| slot(Direction::Up, depth))).collect()
}

impl Slots {
    fn new(
        lattice: &MarkKey,
        slots: Vec<(SlotPlace, Vec<MarkKey>)>,
        registry: &Registry,
    ) -> Result<Self, StoreError> {
        let (mut places, mut keys) = (Vec::new(), Vec::new());
        let (mut asked, mut listed) = (Vec::new(), 0);
        for (place, hops) in slots {
            let (newest, count) = registry.marks_of(place.party, place.direction, ASKED)?;
            asked.extend(newest.into_iter().map(payload));
            listed += count;
            places.push(place);
            keys.extend(hops);
        }
        asked.truncate(ASKED);
        let detector = Detector::new(lattice, &keys).prepared(&asked);
        Ok(Self { detector, places, asked, listed })
    }

    fn question<'a>(&'a self, question: &Question<'a>) -> Question<'a> {
        Question { known: &self.asked, listed: self.listed, ..*question }
    }

    fn search(&self, seen: &Seen<'_>, asking: &Asking<'_>) -> Vec<Found> {
        let question = self.question(&asking.question);
        let readings = match seen {
            Seen::Picture(_, Some(evidence)) => evidence.readings.clone(),
            Seen::Picture(picture, None) => self.detector.read(picture, &question),
            Seen::Shot(shot) => self.detector.read_shot(shot, &question),
        };
        self.certain(readings, asking)
    }

    fn beside(&self, seen: &Seen<'_>, first: &Reading, asking: &Asking<'_>) -> Vec<Found> {
        let question = self.question(&asking.question);
        let readings = match seen {
            Seen::Picture(picture, _) => self.detector.read_beside(picture, first, &question),
            Seen::Shot(shot) => self.detector.read_shot_beside(shot, first, &question),
        };
        self.certain(readings, asking)
    }

    /// The readings that may be called marks, after all searches of the file.
    fn certain(&self, readings: Vec<Reading>, asking: &Asking<'_>) -> Vec<Found> {
        let found = readings.into_iter().filter_map(|reading| {
            let listed = reading.known || (asking.listed)(mark_id(reading.payload));
            let bound = if listed { reading.if_listed } else { reading.false_alarm };
            let false_alarm = bound.over(asking.searches);
            let place = self.places.get(reading.key / HOPS)?.clone();
            let (keys, words) = (self.places.len() * HOPS, self.listed.max(1));
            (false_alarm.log10() <= ATTRIBUTION).then_some(Found {
                reading,
                place,
                listed,
                false_alarm,
                keys,
                words,
            })
        });
        found.collect()
    }
}
