//! What was read from a found picture.

use crate::evidence::{ATTRIBUTION, FalseAlarm};
use crate::payload::Payload;
use crate::sync::Fit;

/// One word read from a picture.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The message.
    pub payload: Payload,
    /// Index of the key under which it was read.
    pub key: usize,
    /// Whether it is one of the words asked for.
    pub known: bool,
    /// Detection statistic: standard normal where there is no mark.
    pub z: f64,
    /// The bound, everything counted that was or could have been tried.
    pub false_alarm: FalseAlarm,
    /// The bound for a word that was decoded and not asked for, if a register turns out to hold it: of so many words it had
    /// to be one, not of all there are.
    pub if_listed: FalseAlarm,
    /// How the picture lies on the lattice.
    pub geometry: Geometry,
    /// Where in the picture the word was read.
    pub patches: Vec<Patch>,
    /// The map under which it was read.
    pub(super) fit: Fit,
    /// The plane in which it was read.
    pub(super) surface: Surface,
}

/// How a picture with alpha was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surface {
    OnWhite,
    Layer,
}

/// One tile of the lattice in a found picture, and what it says of the word by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patch {
    /// Its middle, found pixels from the upper left corner.
    pub centre: [f64; 2],
    /// Its side, found pixels.
    pub side: f64,
    /// The tile's own statistic: standard normal where the word is not. A map to look at; what decides is their sum.
    pub z: f32,
}

/// How a found picture lies on the lattice, at its centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Geometry {
    /// Found pixels for each ref px.
    pub pixels_per_ref: f64,
    /// Angle by which the picture was turned clockwise after stamping, degrees in -180.0..=180.0.
    pub rotation_deg: f64,
    /// Whether it was mirrored (left and right exchanged, before turning).
    pub flipped: bool,
    /// Whether light and dark are exchanged.
    pub negative: bool,
}

impl Reading {
    /// Whether the bound allows to say whose copy it is.
    pub fn is_certain(&self) -> bool {
        self.false_alarm.log10() <= ATTRIBUTION
    }
}

impl Geometry {
    pub(super) fn of(fit: &Fit) -> Self {
        let [[a, b], [c, d]] = fit.map.matrix();
        let det = a * d - b * c;
        let flipped = det < 0.0;
        // The map leads from found to stamped: found = scale * Rotation(angle) * (mirror) * stamped.
        let sign = if flipped { -1.0 } else { 1.0 };
        let angle = libm::atan2(sign * b - c, sign * a + d);
        Self {
            pixels_per_ref: 1.0 / det.abs().sqrt().max(f64::MIN_POSITIVE),
            rotation_deg: libm::round(angle.to_degrees() * 100.0) / 100.0 + 0.0,
            flipped,
            negative: fit.sign < 0.0,
        }
    }
}

/// log10 of the surest reading's bound; 0.0 without any.
pub(super) fn least_log10(readings: &[Reading]) -> f64 {
    readings.iter().map(|reading| reading.false_alarm.log10()).fold(0.0, f64::min)
}

/// Whether the search may end. A weak reading must not end it: a better map may stand further on.
pub(super) fn certain(readings: &[Reading]) -> bool {
    least_log10(readings) <= ATTRIBUTION
}

/// The surer of two sets of readings, the first where they are alike; of those that only a register could tell apart from
/// chance, the stronger.
pub(super) fn surer(first: Vec<Reading>, second: Vec<Reading>) -> Vec<Reading> {
    let listed = |readings: &[Reading]| readings.iter().map(|r| r.if_listed.log10()).fold(0.0, f64::min);
    let bound = |readings: &[Reading]| (least_log10(readings), listed(readings));
    if bound(&second) < bound(&first) { second } else { first }
}

/// Both sets, of two readings of one word under one key the surer, strongest first.
pub(super) fn together(first: Vec<Reading>, second: Vec<Reading>) -> Vec<Reading> {
    let mut all = first;
    for reading in second {
        let same = |other: &&mut Reading| (other.key, other.payload) == (reading.key, reading.payload);
        match all.iter_mut().find(same) {
            Some(other) if reading.false_alarm < other.false_alarm => *other = reading,
            Some(_) => {}
            None => all.push(reading),
        }
    }
    all.sort_by(|a, b| b.z.total_cmp(&a.z));
    all
}
