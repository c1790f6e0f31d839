//! The marks of a run, and what is true of each copy.

use sha2::{Digest as _, Sha256};
use tiermark_frame::{Frame, WriteOptions};
use tiermark_mark::{
    ContentId, Detector, Embedder, FalseAlarm, MarkKey, Payload, Picture, Reading, Strength,
};
use tiermark_signal::Plane;

use super::Outcome;

/// Marks on the same pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tiers {
    /// The studio's own.
    One,
    /// The studio's, a vendor's and a sub-vendor's.
    Three,
}

impl Tiers {
    /// How many.
    pub fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Three => 3,
        }
    }
}

/// Keys that a studio has for its own hand-overs, one to a vendor's variant.
const HOPS: usize = 16;

/// Keys, words and detector of a run: everything follows from the seed.
pub(super) struct Marks {
    lattice: MarkKey,
    keys: Vec<MarkKey>,
    pub(super) detector: Detector,
    /// Two recipients of the first tier, then the words of the tiers below.
    pub(super) known: Vec<Payload>,
    tiers: Tiers,
    strength: Strength,
    /// What the keys of the closed set are made from.
    closed: [u8; 32],
}

/// Who is in a copy: key and word of each tier, the first one's first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Truth(Vec<(usize, Payload)>);

impl Truth {
    /// The word of the first tier.
    pub(super) fn first(&self) -> Payload {
        self.0[0].1
    }

    pub(super) fn holds(&self, reading: &Reading) -> bool {
        self.0.contains(&(reading.key, reading.payload))
    }
}

impl Marks {
    pub(super) fn from_seed(seed: u64, purpose: &str, tiers: Tiers, strength: Strength) -> Self {
        let key = |n: usize| {
            let text = format!("tiermark bench {purpose} {seed} {n}");
            MarkKey::new(Sha256::digest(text.as_bytes()).into())
        };
        let closed = Sha256::digest(format!("tiermark bench {purpose} {seed} closed")).into();
        let (lattice, keys) = (key(255), (0..HOPS + tiers.count() - 1).map(key).collect::<Vec<_>>());
        let word = |n: u8| {
            Payload(std::array::from_fn(|i| (seed >> (8 * i)) as u8 ^ (n.wrapping_mul(91) + 7 * i as u8)))
        };
        let detector = Detector::new(&lattice, &keys);
        let known = (1..=1 + tiers.count() as u8).map(word).collect();
        Self { lattice, keys, detector, known, tiers, strength, closed }
    }

    /// What the copy of the picture at `place` in a round of recipients holds.
    pub(super) fn truth(&self, place: usize) -> Truth {
        let below = (1..self.tiers.count()).map(|tier| (HOPS + tier - 1, self.known[1 + tier]));
        Truth(std::iter::once((place % HOPS, self.known[place % 2])).chain(below).collect())
    }

    /// What the copy of recipient number `n` holds where many have one, in one tier.
    pub(super) fn recipient(&self, n: usize) -> Truth {
        let text = [&b"tiermark bench recipient"[..], &self.known[0].0, &n.to_be_bytes()].concat();
        let digest = Sha256::digest(&text);
        Truth(vec![(n % HOPS, Payload(std::array::from_fn(|i| digest[i])))])
    }

    /// The key of the first tier's pattern in the closed set of a content.
    pub(super) fn first_closed_key(&self, truth: &Truth, content: &ContentId) -> MarkKey {
        let (key, word) = truth.0[0];
        self.closed_key(key, word, content)
    }

    /// The key of a recipient's pattern in the closed set: both layers are on every copy that leaves.
    fn closed_key(&self, key: usize, word: Payload, content: &ContentId) -> MarkKey {
        let text = [&self.closed[..], &key.to_be_bytes(), &word.0, &content.0].concat();
        MarkKey::new(Sha256::digest(&text).into())
    }

    /// The planes of a picture with the marks of `truth`, rounded between them as files are.
    pub(super) fn planes(&self, host: &Picture<'_>, content: &ContentId, truth: &Truth) -> Vec<Plane> {
        let mut colours = host.colours.to_vec();
        for (tier, (key, word)) in truth.0.iter().enumerate() {
            let embedder = match tier {
                0 => Embedder::new(&self.lattice, &self.keys[*key], *word, self.strength),
                _ => Embedder::further(&self.lattice, &self.keys[*key], *word, self.strength),
            };
            let picture = Picture { colours: &colours, ..*host };
            let marked = embedder.embed_closed(&picture, content, &self.closed_key(*key, *word, content));
            let last = tier + 1 == truth.0.len();
            colours = if last {
                marked
            } else {
                marked.into_iter().map(|plane| plane.map(|v| v.round().clamp(0.0, 255.0))).collect()
            };
        }
        colours
    }

    /// A frame with the marks of `truth`, as the bytes of its file.
    pub(super) fn file(&self, frame: &Frame, truth: &Truth) -> Result<Vec<u8>, String> {
        let (host, alpha) = (frame.colours(), frame.alpha());
        let picture =
            Picture { colours: &host, alpha: alpha.as_ref(), premultiplied: frame.alpha_is_associated() };
        let planes = self.planes(&picture, &ContentId(frame.pixel_digest()), truth);
        frame.encode(&planes, &WriteOptions::default()).map_err(|error| error.to_string())
    }
}

/// What readings say of a copy in which one of `allowed` is: everybody of one of them, and nobody else.
pub(super) fn judged(readings: &[Reading], allowed: &[Truth]) -> Outcome {
    let certain: Vec<&Reading> = readings.iter().filter(|reading| reading.is_certain()).collect();
    if let Some(wrong) = certain.iter().find(|reading| !allowed.iter().any(|truth| truth.holds(reading))) {
        return Outcome::Wrong { z: wrong.z };
    }
    let of = |truth: &Truth| certain.iter().filter(|reading| truth.holds(reading)).count();
    let tiers = allowed.iter().map(of).max().unwrap_or(0);
    let weakest = certain.iter().min_by(|a, b| a.z.total_cmp(&b.z));
    match weakest {
        Some(reading) if allowed.iter().any(|truth| of(truth) == truth.0.len()) => {
            Outcome::Named { z: reading.z, log10: FalseAlarm::log10(reading.false_alarm) }
        }
        Some(reading) => Outcome::Partly { tiers, z: reading.z },
        None => Outcome::Nothing { z: readings.first().map(|reading| reading.z) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiermark_mark::{Effort, Question};
    use tiermark_signal::Size;

    #[test]
    fn three_tiers_are_all_named_and_one_missing_is_told() {
        let marks = Marks::from_seed(1, "test", Tiers::Three, Strength::STANDARD);
        let size = Size { width: 960, height: 540 };
        let host = [Plane::from_fn(size, |x, y| 120.0 + ((x / 120 + y / 90) % 3) as f32 * 30.0)];
        let picture = Picture { colours: &host, alpha: None, premultiplied: false };
        let truth = marks.truth(3);
        let planes: Vec<Plane> = marks
            .planes(&picture, &ContentId([1; 32]), &truth)
            .into_iter()
            .map(|plane| plane.map(f32::round))
            .collect();
        let found = Picture { colours: &planes, alpha: None, premultiplied: false };
        let question = Question {
            listed: 0,
            known: &marks.known,
            frames: &[picture.size()],
            contents: &[],
            effort: Effort::KnownScales,
        };
        let readings = marks.detector.read(&found, &question);
        assert!(
            matches!(judged(&readings, std::slice::from_ref(&truth)), Outcome::Named { z, .. } if z > 15.0)
        );
        let two: Vec<Reading> = readings.iter().filter(|r| r.key != HOPS + 1).cloned().collect();
        assert!(matches!(judged(&two, &[truth]), Outcome::Partly { tiers: 2, .. }));
        assert!(matches!(judged(&readings, &[marks.truth(4)]), Outcome::Wrong { .. }));
        assert!(matches!(judged(&[], &[]), Outcome::Nothing { z: None }));
    }
}
