//! Regions of one colour: what a bucket fills at zero tolerance.
//!
//! Two neighbours (side by side or one above the other) belong to one region if they are equal. So all regions, and which of
//! them touch, stay what they were if every pair of neighbours that was equal still is, and no other pair has become so.

use tiermark_signal::Size;

use super::{Picture, Samples};

/// Take back changes until the regions of `after` are those of `before`; flat colour is not changed at all.
pub(super) fn hold(before: &Picture, after: &mut Picture) {
    let (size, channels) = (before.size, before.layout.channels);
    match (&before.samples, &mut after.samples) {
        (Samples::Byte(before), Samples::Byte(after)) => hold_samples(before, after, size, channels),
        (Samples::Word(before), Samples::Word(after)) => hold_samples(before, after, size, channels),
        (Samples::Half(before), Samples::Half(after)) => hold_samples(before, after, size, channels),
        (Samples::Float(before), Samples::Float(after)) => hold_samples(before, after, size, channels),
        _ => {}
    }
}

fn hold_samples<S: Copy + PartialEq>(before: &[S], after: &mut [S], size: Size, channels: usize) {
    let pixel = |i: usize| i * channels..(i + 1) * channels;
    let revert = |after: &mut [S], i: usize| after[pixel(i)].copy_from_slice(&before[pixel(i)]);
    let equal = |samples: &[S], [a, b]: [usize; 2]| samples[pixel(a)] == samples[pixel(b)];
    for pair in pairs(size).filter(|pair| equal(before, *pair)) {
        pair.into_iter().for_each(|i| revert(after, i));
    }
    // Taking one back may bring it beside an equal: until nothing is left to take back.
    let mut settled = false;
    while !settled {
        settled = true;
        for pair in pairs(size) {
            if equal(after, pair) && !equal(before, pair) {
                pair.into_iter().for_each(|i| revert(after, i));
                settled = false;
            }
        }
    }
}

/// Every two neighbours.
fn pairs(size: Size) -> impl Iterator<Item = [usize; 2]> {
    let Size { width, height } = size;
    (0..width * height).flat_map(move |i| {
        let right = (i % width + 1 < width).then_some([i, i + 1]);
        let below = (i / width + 1 < height).then_some([i, i + width]);
        right.into_iter().chain(below)
    })
}

/// Are there two colours, and nothing between them?
pub(super) fn is_two_tone(picture: &Picture) -> bool {
    fn of<S: Copy + PartialEq>(samples: &[S], channels: usize) -> bool {
        let mut pixels = samples.chunks_exact(channels);
        let Some(first) = pixels.next() else { return false };
        let Some(second) = pixels.by_ref().find(|pixel| *pixel != first) else { return false };
        pixels.all(|pixel| pixel == first || pixel == second)
    }
    match &picture.samples {
        Samples::Byte(samples) => of(samples, picture.layout.channels),
        Samples::Word(samples) => of(samples, picture.layout.channels),
        Samples::Half(_) | Samples::Float(_) => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::super::{Alpha, Layout};
    use super::*;

    fn grey(width: usize, samples: &[u8]) -> Picture {
        let size = Size { width, height: samples.len() / width };
        Picture::new(size, Layout::new(1, Alpha::None), Samples::Byte(samples.to_vec())).unwrap()
    }

    fn bytes(picture: Picture) -> Vec<u8> {
        match picture.samples {
            Samples::Byte(samples) => samples,
            _ => Vec::new(),
        }
    }

    #[test]
    fn flats_stay_and_what_lies_between_may_move_without_joining() {
        let before = grey(6, &[9, 9, 5, 3, 7, 8]);
        let mut after = grey(6, &[8, 9, 6, 4, 8, 8]);
        hold(&before, &mut after);
        // The flat 9s are back; 6 and 4 may stay; 7 had become the 8 beside it.
        assert_eq!(bytes(after), [9, 9, 6, 4, 7, 8]);
    }

    #[test]
    fn taking_back_goes_on_until_nothing_touches_its_equal() {
        // 4 and 5 swap places by moving one step each; the third becomes 5, which the second is again once it is taken back.
        let before = grey(4, &[1, 4, 6, 9]);
        let mut after = grey(4, &[4, 4, 6, 6]);
        hold(&before, &mut after);
        assert_eq!(bytes(after), [1, 4, 6, 9]);
    }

    #[test]
    fn two_tones_are_told_from_three_and_one() {
        assert!(is_two_tone(&grey(3, &[0, 255, 0])));
        assert!(!is_two_tone(&grey(3, &[0, 255, 254])));
        assert!(!is_two_tone(&grey(3, &[7, 7, 7])));
    }
}
