//! All signs there are, one after the other.

use super::distance;
use crate::{Wide, widest};

/// A description among many, and how far it is from what is sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Near {
    /// Signs that differ, under the variant that differs in the fewest.
    pub distance: u32,
    /// Its place among all.
    pub index: u32,
}

/// The `most` descriptions of `all` that are nearest to any of `sought`, nearest first; of equals the first.
///
/// Copies that are turned to their negative are found, too: there all signs are the opposite, and so the distance to a
/// description counts as well as that to its opposite. `all` holds 32 bytes to a description, its four words with the low
/// byte first, and no more than 2^32 of them.
pub fn scan(all: &[[u8; 32]], sought: &[[u64; 4]], most: usize) -> Vec<Near> {
    widest(Scan { all, sought, most })
}

struct Scan<'a> {
    all: &'a [[u8; 32]],
    sought: &'a [[u64; 4]],
    most: usize,
}

impl Wide for Scan<'_> {
    type Output = Vec<Near>;

    #[inline(always)]
    fn run(self) -> Vec<Near> {
        let Self { all, sought, most } = self;
        let mut near = Vec::with_capacity(2 * most + 1);
        if most == 0 || sought.is_empty() {
            return near;
        }
        // Beyond half of the signs there is only the opposite.
        let mut limit = 129;
        for (index, bytes) in all.iter().enumerate() {
            let signs = words(bytes);
            let mut best = 256;
            for one in sought {
                let apart = distance(&signs, one);
                best = best.min(apart).min(256 - apart);
            }
            if best < limit {
                near.push(Near { distance: best, index: index as u32 });
                if near.len() > 2 * most {
                    // What comes later must be nearer than the last one that stays: of equals the first stay.
                    near.select_nth_unstable(most - 1);
                    near.truncate(most);
                    limit = near[most - 1].distance;
                }
            }
        }
        near.sort_unstable();
        near.truncate(most);
        near
    }
}

#[inline(always)]
fn words(bytes: &[u8; 32]) -> [u64; 4] {
    let (words, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|i| u64::from_le_bytes(words[i]))
}

#[cfg(test)]
mod tests {
    use super::super::thrown;
    use super::*;

    fn many(count: usize) -> Vec<[u8; 32]> {
        let mut state = 9;
        let byte = |state: &mut u64| (thrown(state) >> 30) as u8;
        (0..count).map(|_| std::array::from_fn(|_| byte(&mut state))).collect()
    }

    fn naive(all: &[[u8; 32]], sought: &[[u64; 4]], most: usize) -> Vec<Near> {
        let best = |bytes: &[u8; 32]| {
            let apart = sought.iter().map(|one| distance(&words(bytes), one));
            apart.map(|d| d.min(256 - d)).min()
        };
        let near = all.iter().enumerate();
        let near = near.filter_map(|(i, bytes)| Some(Near { distance: best(bytes)?, index: i as u32 }));
        let mut near: Vec<Near> = near.collect();
        near.sort();
        near.truncate(most);
        near
    }

    #[test]
    fn the_nearest_are_those_of_a_full_sort() {
        let all = many(3000);
        let sought = [words(&all[17]), words(&all[2000]).map(|word| !word ^ 5), [3; 4]];
        for (sought, most) in
            [(&sought[..], 10), (&sought[..1], 1), (&sought[2..], 400), (&sought[..2], 5000)]
        {
            assert_eq!(scan(&all, sought, most), naive(&all, sought, most));
        }
        assert_eq!(scan(&all, &sought[..1], 1)[0], Near { distance: 0, index: 17 });
        assert!(
            scan(&all, &[], 5).is_empty()
                && scan(&all, &sought, 0).is_empty()
                && scan(&[], &sought, 5).is_empty()
        );
    }

    #[test]
    fn of_equals_the_first_come_first() {
        let all = vec![[7; 32]; 1000];
        let near = scan(&all, &[words(&all[0])], 9);
        assert_eq!(near.iter().map(|near| near.index).collect::<Vec<_>>(), (0..9).collect::<Vec<u32>>());
    }
}
