//! The most likely word behind soft bits.

use std::sync::LazyLock;

use super::{CODE_BITS, Codeword, GENERATORS, MEMORY, RATE, STATES, WORD_BITS};

/// Code bits that each register puts out, as an index into the sums of one step: bit g is 1 where generator g gives -1.
static OUTPUT: LazyLock<[u8; 2 * STATES]> = LazyLock::new(|| {
    std::array::from_fn(|register| {
        let bit = |generator: u32| (register as u32 & generator).count_ones() % 2;
        GENERATORS.iter().enumerate().fold(0, |index, (g, &generator)| index | (bit(generator) as u8) << g)
    })
});

/// The word whose codeword correlates best with `soft` (sign = bit, size = trust).
///
/// Viterbi's algorithm run three times around the circle, the middle turn taken: by then the survivors have forgotten
/// where they started and do not yet feel the end (wrap-around decoding; Shao, Lin, Fossorier, IEEE COM 51(8), 2003).
/// Not quite maximum likelihood: what it costs lies below what we can measure at the decoding threshold.
pub(crate) fn decode(soft: &Codeword) -> [bool; WORD_BITS] {
    const TURNS: usize = 3;
    let sums = branch_sums(soft);
    let mut scores = [0.0_f32; STATES];
    let mut older = vec![[0_u8; STATES]; TURNS * WORD_BITS];
    for (step, came_from) in older.iter_mut().enumerate() {
        scores = advance(&scores, &sums[step % WORD_BITS], came_from);
        // Scores only matter against each other; kept small, they keep their precision.
        let best = scores.iter().copied().fold(f32::MIN, f32::max);
        scores.iter_mut().for_each(|v| *v -= best);
    }
    let mut state = (0..STATES).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).expect("there are states");
    let mut word = [false; WORD_BITS];
    for step in (0..TURNS * WORD_BITS).rev() {
        if step / WORD_BITS == TURNS / 2 {
            word[step % WORD_BITS] = state >> (MEMORY - 1) & 1 == 1;
        }
        state = (state << 1 & (STATES - 1)) | usize::from(older[step][state]);
    }
    word
}

/// For each step the correlation with each of the 64 outputs.
fn branch_sums(soft: &Codeword) -> Vec<[f32; 1 << RATE]> {
    let step = |bits: &[f32]| {
        let mut sums = [0.0; 1 << RATE];
        sums[0] = bits.iter().sum();
        for index in 1..sums.len() {
            let lowest = index & index.wrapping_neg();
            sums[index] = sums[index ^ lowest] - 2.0 * bits[lowest.trailing_zeros() as usize];
        }
        sums
    };
    debug_assert_eq!(soft.len(), CODE_BITS);
    soft.chunks_exact(RATE).map(step).collect()
}

/// One step for all states. A state is the newest `MEMORY` bits, newest on top; its two forerunners differ in the bit
/// that falls out, which `came_from` keeps.
fn advance(scores: &[f32; STATES], sums: &[f32; 1 << RATE], came_from: &mut [u8; STATES]) -> [f32; STATES] {
    let output = &*OUTPUT;
    std::array::from_fn(|state| {
        let register = state << 1;
        let forerunner = register & (STATES - 1);
        let zero = scores[forerunner] + sums[usize::from(output[register])];
        let one = scores[forerunner | 1] + sums[usize::from(output[register | 1])];
        came_from[state] = u8::from(one > zero);
        if one > zero { one } else { zero }
    })
}
