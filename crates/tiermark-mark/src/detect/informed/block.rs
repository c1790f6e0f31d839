//! A block of a JPEG: its waves, and the steps that the file held of them.

/// Samples on a side of a block.
pub(super) const SIDE: usize = 8;
/// Samples from here on may have been cut on decoding, and those as near to black.
const WHITE: f32 = 254.5;
const BLACK: f32 = 0.5;
/// Times that cut samples are filled in again.
const ROUNDS: usize = 4;

pub(super) type Block = [[f32; SIDE]; SIDE];
/// The first waves of a basis: `basis[wave][place]`.
pub(super) type Basis<const WAVES: usize> = [[f32; SIDE]; WAVES];
pub(super) type Waves<const WAVES: usize> = [[f32; WAVES]; WAVES];

/// `cos` basis of the first waves, orthonormal.
pub(super) fn basis<const WAVES: usize>() -> Basis<WAVES> {
    std::array::from_fn(|wave| {
        std::array::from_fn(|place| {
            let angle = std::f64::consts::PI * wave as f64 * (2 * place + 1) as f64 / (2 * SIDE) as f64;
            let scale = if wave == 0 { 1.0 / SIDE as f64 } else { 2.0 / SIDE as f64 };
            (scale.sqrt() * libm::cos(angle)) as f32
        })
    })
}

/// The waves of a block.
#[inline(always)]
pub(super) fn transformed<const WAVES: usize>(block: &Block, basis: &Basis<WAVES>) -> Waves<WAVES> {
    let mut rows = [[0.0_f32; WAVES]; SIDE];
    for (row, samples) in rows.iter_mut().zip(block) {
        for (v, wave) in row.iter_mut().zip(basis) {
            *v = samples.iter().zip(wave).map(|(s, b)| s * b).sum();
        }
    }
    let mut waves = [[0.0_f32; WAVES]; WAVES];
    for (line, wave) in waves.iter_mut().zip(basis) {
        for (row, b) in rows.iter().zip(wave) {
            line.iter_mut().zip(row).for_each(|(v, r)| *v += b * r);
        }
    }
    waves
}

/// The block of these waves.
#[inline(always)]
pub(super) fn restored<const WAVES: usize>(waves: &Waves<WAVES>, basis: &Basis<WAVES>) -> Block {
    let mut block = [[0.0_f32; SIDE]; SIDE];
    for (line, down) in waves.iter().zip(basis) {
        let mut row = [0.0_f32; SIDE];
        for (v, across) in line.iter().zip(basis) {
            row.iter_mut().zip(across).for_each(|(s, b)| *s += v * b);
        }
        for (to, b) in block.iter_mut().zip(down) {
            to.iter_mut().zip(&row).for_each(|(s, r)| *s += b * r);
        }
    }
    block
}

/// A block less the middle of its range, as it is transformed.
#[inline(always)]
pub(super) fn centred(block: &Block) -> Block {
    block.map(|row| row.map(|v| v - 128.0))
}

/// What the file held of a block that was found like this, in whole steps.
///
/// Decoding cuts what lies outside of 0 to 255. On white paper that is every block but those that sank: of a step of 24 it shows
/// 1016, where 1032 was held and 1008 would have looked grey. So what was cut is filled in, first by what is expected and then by
/// as much as is missing, until the held steps would decode to what was found.
#[inline(always)]
pub(super) fn stored(
    found: &Block,
    expected: &Block,
    steps: &[u16; SIDE * SIDE],
    basis: &Basis<SIDE>,
) -> Waves<SIDE> {
    let is_cut = |v: f32| !(BLACK..WHITE).contains(&v);
    let mut filled = *found;
    if !found.as_flattened().iter().any(|v| is_cut(*v)) {
        return held(&filled, steps, basis);
    }
    let guess = decoded(&held(expected, steps, basis), basis);
    for (v, guess) in filled.as_flattened_mut().iter_mut().zip(guess.as_flattened()) {
        if *v >= WHITE {
            *v = guess.max(255.0);
        } else if *v < BLACK {
            *v = guess.min(0.0);
        }
    }
    let mut waves = held(&filled, steps, basis);
    for _ in 0..ROUNDS {
        let shown = decoded(&waves, basis);
        let mut is_met = true;
        let samples = filled.as_flattened_mut().iter_mut().zip(found.as_flattened());
        for ((v, found), shown) in samples.zip(shown.as_flattened()) {
            let missing = if *found >= WHITE {
                (255.0 - shown).max(0.0)
            } else if *found < BLACK {
                -shown.max(0.0)
            } else {
                continue;
            };
            is_met &= missing.abs() <= 255.0 - WHITE;
            *v += missing;
        }
        if is_met {
            break;
        }
        waves = held(&filled, steps, basis);
    }
    waves
}

#[inline(always)]
fn held(block: &Block, steps: &[u16; SIDE * SIDE], basis: &Basis<SIDE>) -> Waves<SIDE> {
    let mut waves = transformed(&centred(block), basis);
    for (v, step) in waves.as_flattened_mut().iter_mut().zip(steps) {
        let step = f32::from(*step);
        *v = (*v / step).round() * step;
    }
    waves
}

#[inline(always)]
fn decoded(waves: &Waves<SIDE>, basis: &Basis<SIDE>) -> Block {
    restored(waves, basis).map(|row| row.map(|v| v + 128.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(waves: &Waves<SIDE>) -> Block {
        decoded(waves, &basis()).map(|row| row.map(|v| v.round().clamp(0.0, 255.0)))
    }

    #[test]
    fn white_paper_was_held_above_white() {
        for step in [16, 20, 23, 24, 27, 80] {
            let steps = [step; SIDE * SIDE];
            for (paper, ink) in [(254.1, false), (252.0, false), (0.8, true)] {
                let paper = [[paper; SIDE]; SIDE];
                let held = held(&paper, &steps, &basis());
                let over = [[if ink { 0.0 } else { 255.0 }; SIDE]; SIDE];
                assert_eq!(stored(&shown(&held), &paper, &steps, &basis())[0][0], held[0][0], "{step}");
                // A mark took it over the next threshold, and decoding cut it.
                let cut = stored(&over, &paper, &steps, &basis())[0][0] / f32::from(step);
                let met = if ink { -1020.0 } else { 1012.0 } / f32::from(step);
                let least = if ink { met.floor() } else { met.ceil() };
                assert!((cut - least).abs() <= 1.0, "{step}: {cut} of {least}");
                assert!(ink || cut >= met, "{step}: {cut} would have looked grey");
            }
        }
    }

    #[test]
    fn ringing_that_was_cut_beside_a_line_is_filled_in() {
        let line: Block =
            std::array::from_fn(|y| std::array::from_fn(|x| if x + y / 2 == 4 { 30.0 } else { 254.0 }));
        let steps = std::array::from_fn(|i| 10 + 4 * (i / SIDE + i % SIDE) as u16);
        let held = held(&line, &steps, &basis());
        let found = shown(&held);
        assert!(found.as_flattened().contains(&255.0), "some of it was cut");
        let naive = super::held(&found, &steps, &basis());
        let wrong = |waves: &Waves<SIDE>| {
            waves
                .as_flattened()
                .iter()
                .zip(held.as_flattened())
                .filter(|(a, b)| (*a - *b).abs() > 1.0)
                .count()
        };
        let filled = stored(&found, &line, &steps, &basis());
        assert!(wrong(&naive) > 0 && wrong(&filled) == 0, "{} {}", wrong(&naive), wrong(&filled));
    }

    #[test]
    fn a_block_and_its_waves_are_one() {
        let block: Block = std::array::from_fn(|y| std::array::from_fn(|x| ((x * 37 + y * 91) % 50) as f32));
        let basis = basis::<SIDE>();
        let back = restored(&transformed(&block, &basis), &basis);
        for (a, b) in back.as_flattened().iter().zip(block.as_flattened()) {
            assert!((a - b).abs() < 1e-3, "{a} {b}");
        }
    }
}
