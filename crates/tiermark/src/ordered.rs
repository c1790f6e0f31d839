//! Results in the order of the questions, although the work is done out of order.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Hands results on as soon as all before them are there.
pub(crate) struct Ordered<'a, T> {
    state: Mutex<(usize, BTreeMap<usize, T>)>,
    each: &'a (dyn Fn(T) + Sync),
}

impl<'a, T> Ordered<'a, T> {
    /// `each` is called once for every result, in order, one call at a time.
    pub(crate) fn new(each: &'a (dyn Fn(T) + Sync)) -> Self {
        Self { state: Mutex::new((0, BTreeMap::new())), each }
    }

    /// Result number `index` is there.
    pub(crate) fn put(&self, index: usize, result: T) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, waiting) = &mut *state;
        waiting.insert(index, result);
        while let Some(result) = waiting.remove(next) {
            (self.each)(result);
            *next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order() {
        let seen = Mutex::new(Vec::new());
        let each = |v: u32| seen.lock().unwrap_or_else(PoisonError::into_inner).push(v);
        let ordered = Ordered::new(&each);
        for (index, value) in [(2, 20), (0, 0), (1, 10), (3, 30)] {
            ordered.put(index, value);
        }
        assert_eq!(*seen.lock().unwrap_or_else(PoisonError::into_inner), [0, 10, 20, 30]);
    }
}
