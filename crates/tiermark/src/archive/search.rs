//! From a found picture to a short list of originals.

use std::collections::BTreeMap;

use tiermark_signal::fingerprint::{Look, Near, Variant, looks, scan};
use tiermark_signal::{Affine, Plane};

use super::layout::VECTOR;
use super::local::{CONVINCING, LocalIndex};
use super::{Archive, Entry};

/// An original that a found picture may have been made from.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// It.
    pub entry: Entry,
    /// How it was found.
    pub how: How,
    /// How alike they are, 0 to 1: for whole pictures a cosine, for parts the share of the original's features that agree.
    /// The two are not to be compared with each other.
    pub likeness: f32,
}

/// How a candidate was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum How {
    /// By what it looks like as a whole.
    Whole {
        /// What was undone to the found picture.
        variant: Variant,
    },
    /// By its local features.
    Part {
        /// How many agree on one map.
        votes: usize,
        /// That map, from the original to the found picture; mirrored left for right first, if it was.
        map: Affine,
        /// Whether the found picture had to be mirrored.
        mirrored: bool,
        /// Whether dark and bright had to be exchanged.
        negative: bool,
    },
}

impl Archive {
    /// Up to `most` originals that a picture may have been made from, the likeliest first.
    ///
    /// Frames that differ little are all among them, as far as `most` allows: which one it is, a closer look decides.
    /// There is a list for any picture, known or not: likeness says how much it is worth.
    pub fn candidates(&self, found_luma: &Plane, most: usize) -> Vec<Candidate> {
        if self.is_empty() || most == 0 {
            return Vec::new();
        }
        let whole = self.wholes(found_luma, most);
        let sure = whole.first().is_some_and(|(likeness, ..)| *likeness >= SURE);
        let parts = if sure { Vec::new() } else { self.parts(found_luma, most) };
        let alike = whole.first().is_some_and(|(likeness, ..)| *likeness >= ALIKE);
        let convinced = parts
            .first()
            .is_some_and(|one| matches!(one.how, How::Part { votes, .. } if votes >= CONVINCING));
        let whole = whole.into_iter().filter_map(|(likeness, index, variant)| {
            let entry = self.original(index).ok()?;
            Some(Candidate { entry, how: How::Whole { variant }, likeness })
        });
        // A part that fits is worth more than a whole that is a little alike, and the other way round; both stay.
        let all: Vec<Candidate> =
            if convinced && !alike { parts.into_iter().chain(whole).collect() } else { mixed(whole, parts) };
        once_each(all, most)
    }

    /// The nearest whole pictures: likeness, number, and under which variant.
    fn wholes(&self, luma: &Plane, most: usize) -> Vec<(f32, usize, Variant)> {
        let (looks, likeliest) = looks(luma);
        let near = self.nearest(&looks[..likeliest], most);
        if near.first().is_some_and(|(likeness, ..)| *likeness >= SURE) {
            return near;
        }
        let mut near = near;
        near.extend(self.nearest(&looks[likeliest..], most));
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut seen = std::collections::HashSet::new();
        near.retain(|(_, index, _)| seen.insert(*index));
        near
    }

    fn nearest(&self, looks: &[Look], most: usize) -> Vec<(f32, usize, Variant)> {
        let signs: Vec<[u64; 4]> = looks.iter().map(|look| look.whole.signs()).collect();
        let near = scan(self.hashes(), &signs, (4 * most).max(LOOKED_AT));
        let mut alike: Vec<_> = near.iter().filter_map(|near| self.alike(near, looks)).collect();
        alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        alike
    }

    /// How alike one is under the variant that suits it best.
    fn alike(&self, near: &Near, looks: &[Look]) -> Option<(f32, usize, Variant)> {
        let bytes: &[u8; VECTOR] = self.vector(near.index as usize)?;
        let vector = bytes.map(u8::cast_signed);
        let under = looks.iter().map(|look| (look.whole.likeness(&vector), look.variant));
        let both = under.flat_map(|(likeness, variant)| {
            // A negative is rarer than a picture that is unlike by chance.
            [(likeness, variant), (0.98 * -likeness, Variant { negative: true, ..variant })]
        });
        both.max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(likeness, variant)| (likeness, near.index as usize, variant))
    }

    fn parts(&self, luma: &Plane, most: usize) -> Vec<Candidate> {
        let index = self.index.get_or_init(|| LocalIndex::of(self));
        let mut candidates = Vec::new();
        for shared in index.shared(self, luma) {
            let votes = shared.agreement.features;
            let count = self.drawing(shared.drawing as usize).map_or(1, |drawing| drawing.count.max(1));
            let how = How::Part {
                votes,
                map: shared.agreement.map,
                mirrored: shared.mirrored,
                negative: shared.negative,
            };
            let likeness = votes as f32 / count as f32;
            let entries = index.entries(shared.drawing).filter_map(|index| self.original(index).ok());
            candidates.extend(entries.map(|entry| Candidate { entry, how, likeness }));
            if candidates.len() >= most {
                break;
            }
        }
        candidates
    }
}

/// Neither convinces: the best of each by turns.
fn mixed(whole: impl Iterator<Item = Candidate>, parts: Vec<Candidate>) -> Vec<Candidate> {
    let (mut whole, mut parts) = (whole, parts.into_iter());
    let mut all = Vec::new();
    loop {
        let two = [whole.next(), parts.next()];
        if two.iter().all(Option::is_none) {
            return all;
        }
        all.extend(two.into_iter().flatten());
    }
}

/// Each original once, in its best place: of several records of one under one content the newest.
fn once_each(all: Vec<Candidate>, most: usize) -> Vec<Candidate> {
    let mut kept: Vec<Candidate> = Vec::new();
    let mut place = BTreeMap::new();
    for candidate in all {
        let same = (*candidate.entry.pix.as_bytes(), *candidate.entry.content.as_bytes());
        match place.get(&same) {
            Some(&at) => {
                let known: &mut Candidate = &mut kept[at];
                if candidate.entry.index > known.entry.index {
                    known.entry = candidate.entry;
                }
            }
            None if kept.len() < most => {
                place.insert(same, kept.len());
                kept.push(candidate);
            }
            None => {}
        }
    }
    kept
}

/// The likeness from which local features are not asked, and the one up to which they come first if they agree. Unrelated
/// pictures reach 0.54, and 0.94 once among a thousand, posterised line art: docs/evidence/archive.md.
const SURE: f32 = 0.95;
const ALIKE: f32 = 0.8;
/// Descriptions whose vectors are looked at after the signs.
const LOOKED_AT: usize = 1000;
