//! Where the shots of a clip begin.
//!
//! Every frame is laid on a grid of 32 by 18 cells and compared with the one before. A cut is where the difference is at
//! least twice as large as any other within eight frames to either side: the sliding window of Yeo and Liu, "Rapid scene
//! analysis on compressed video", IEEE Trans. Circuits and Systems for Video Technology 5(6), 1995, section III, with which
//! camera moves, actions on twos and fades are told from cuts by what goes on around them. Below [`LEAST`] nothing is a
//! cut, so a shot that holds still has none.
//!
//! Animation cuts faster than the window: two pictures that have nothing in common (correlation below [`FOREIGN`]) are in
//! two shots whatever lies around. A flash is no cut, for the picture comes back: what is next to it would tie.
//!
//! A cut too many splits evidence, no more. A cut missed gives two shots one pattern, which is easier to wash out. So the
//! thresholds lean to cutting.

use super::picture::ClipFrame;

pub(super) const THUMB_WIDTH: usize = 32;
pub(super) const THUMB_HEIGHT: usize = 18;

/// Mean luma of each cell, row by row.
pub(super) type Thumb = [f32; THUMB_WIDTH * THUMB_HEIGHT];

/// Frames to either side that a difference is compared with.
const WINDOW: usize = 8;
/// How much larger than its neighbours the difference at a cut is.
const ABOVE: f32 = 2.0;
/// The mean difference of two frames below which there is no cut, code values.
const LEAST: f32 = 6.0;
/// A correlation of two pictures of different shots.
const FOREIGN: f32 = 0.3;
/// Frames that have nothing in common also differ by so much, code values: correlation means little on flat colour.
const FAR: f32 = 12.0;

/// Looks at frames one after the other and tells where shots begin.
#[derive(Default)]
pub struct Cuts {
    last: Option<Thumb>,
    /// Of each frame but the first.
    steps: Vec<Step>,
    frames: u64,
}

/// From one frame to the next.
#[derive(Clone, Copy)]
struct Step {
    difference: f32,
    likeness: f32,
}

impl Cuts {
    /// Look at the next frame.
    pub fn add(&mut self, frame: &ClipFrame) {
        self.add_thumb(frame.thumb());
    }

    fn add_thumb(&mut self, thumb: Thumb) {
        if let Some(last) = &self.last {
            self.steps.push(Step { difference: difference(last, &thumb), likeness: likeness(last, &thumb) });
        }
        self.last = Some(thumb);
        self.frames += 1;
    }

    /// Frames looked at.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// The number of the first frame of each shot; empty if there was no frame.
    pub fn starts(&self) -> Vec<u64> {
        let first = (self.frames > 0).then_some(0);
        let cuts = (0..self.steps.len()).filter(|&i| self.is_cut(i)).map(|i| i as u64 + 1);
        first.into_iter().chain(cuts).collect()
    }

    /// Whether a shot ends before the frame to which step `i` leads.
    fn is_cut(&self, i: usize) -> bool {
        let Step { difference, likeness } = self.steps[i];
        if difference < LEAST {
            return false;
        }
        let around = i.saturating_sub(WINDOW)..(i + WINDOW + 1).min(self.steps.len());
        let most = |range: std::ops::Range<usize>| {
            self.steps[range].iter().map(|step| step.difference).fold(0.0, f32::max)
        };
        let others = most(around.start..i).max(most(i + 1..around.end));
        difference >= ABOVE * others || (likeness < FOREIGN && difference >= FAR)
    }
}

/// Mean absolute difference.
fn difference(a: &Thumb, b: &Thumb) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.len() as f32
}

/// Correlation about the means; 1.0 where one of the pictures is flat.
fn likeness(a: &Thumb, b: &Thumb) -> f32 {
    let mean = |thumb: &Thumb| thumb.iter().sum::<f32>() / thumb.len() as f32;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut product, mut power_a, mut power_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (a - mean_a, b - mean_b);
        product += a * b;
        power_a += a * a;
        power_b += b * b;
    }
    let power = (power_a * power_b).sqrt();
    if power > 0.0 { product / power } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of a family, moved to the right by some cells.
    fn picture(family: u32, moved: f32) -> Thumb {
        std::array::from_fn(|i| {
            let (x, y) = ((i % THUMB_WIDTH) as f32 - moved, (i / THUMB_WIDTH) as f32);
            let (a, b) = (0.3 + 0.17 * family as f32, 0.5 - 0.11 * family as f32);
            128.0 + 90.0 * (x * a + family as f32).sin() * (y * b + 2.0 * family as f32).cos()
        })
    }

    fn starts(frames: impl IntoIterator<Item = Thumb>) -> Vec<u64> {
        let mut cuts = Cuts::default();
        frames.into_iter().for_each(|thumb| cuts.add_thumb(thumb));
        cuts.starts()
    }

    #[test]
    fn shots_that_hold_still_or_move_have_no_cuts() {
        assert_eq!(starts([]), [0; 0]);
        assert_eq!(starts((0..60).map(|_| picture(1, 0.0))), [0]);
        let noise = |i: u32| picture(1, 0.0).map(|v| v + (i * 37 % 11) as f32 / 5.0);
        assert_eq!(starts((0..60).map(noise)), [0], "noise of a codec");
        assert_eq!(starts((0..60).map(|i| picture(1, i as f32 * 0.4))), [0], "a pan");
        assert_eq!(starts((0..60).map(|i| picture(1, (i / 2 * 2) as f32 * 0.5))), [0], "a walk on twos");
        let fade = |i: u32| picture(2, 0.0).map(|v| v * i as f32 / 60.0);
        assert_eq!(starts((0..60).map(fade)), [0], "a fade");
        let flash = |i: u32| if i == 30 { [250.0; THUMB_WIDTH * THUMB_HEIGHT] } else { picture(1, 0.0) };
        assert_eq!(starts((0..60).map(flash)), [0], "a flash");
    }

    #[test]
    fn cuts_are_found_in_the_midst_of_movement_and_close_together() {
        let two = |i: u32| if i < 30 { picture(1, i as f32 * 0.3) } else { picture(4, i as f32 * 0.3) };
        assert_eq!(starts((0..60).map(two)), [0, 30]);
        let quick = |i: u32| picture(i / 5 % 4 + 1, 0.0);
        assert_eq!(starts((0..20).map(quick)), [0, 5, 10, 15]);
    }
}
