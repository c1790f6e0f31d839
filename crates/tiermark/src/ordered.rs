//! Results in the order of the questions, although the work is done out of order.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Hands results on as soon as all before them are there; a question may have several.
pub(crate) struct Ordered<'a, T> {
    state: Mutex<State<T>>,
    each: &'a (dyn Fn(T) + Sync),
}

struct State<T> {
    /// The question whose results go straight through.
    next: usize,
    /// Those of later ones, and whether they are all.
    waiting: BTreeMap<usize, (Vec<T>, bool)>,
}

impl<'a, T> Ordered<'a, T> {
    /// `each` is called once for every result, in order, one call at a time.
    pub(crate) fn new(each: &'a (dyn Fn(T) + Sync)) -> Self {
        Self { state: Mutex::new(State { next: 0, waiting: BTreeMap::new() }), each }
    }

    /// The one result of question number `index` is there.
    pub(crate) fn put(&self, index: usize, result: T) {
        self.add(index, result);
        self.end(index);
    }

    /// A result of question number `index` is there.
    pub(crate) fn add(&self, index: usize, result: T) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if index == state.next {
            (self.each)(result);
        } else {
            state.waiting.entry(index).or_default().0.push(result);
        }
    }

    /// All results of question number `index` are there.
    pub(crate) fn end(&self, index: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.entry(index).or_default().1 = true;
        while let Some((results, ended)) = {
            let next = state.next;
            state.waiting.remove(&next)
        } {
            results.into_iter().for_each(self.each);
            if !ended {
                break;
            }
            state.next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(ask: impl Fn(&Ordered<'_, u32>)) -> Vec<u32> {
        let seen = Mutex::new(Vec::new());
        let each = |v: u32| seen.lock().unwrap_or_else(PoisonError::into_inner).push(v);
        ask(&Ordered::new(&each));
        seen.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    #[test]
    fn results_come_in_order() {
        let put = |ordered: &Ordered<'_, u32>| {
            [(2, 20), (0, 0), (1, 10), (3, 30)]
                .into_iter()
                .for_each(|(index, value)| ordered.put(index, value));
        };
        assert_eq!(all(put), [0, 10, 20, 30]);
    }

    #[test]
    fn a_question_with_several_answers_gives_them_as_they_come() {
        let put = |ordered: &Ordered<'_, u32>| {
            ordered.add(1, 10);
            ordered.put(2, 20);
            ordered.end(0);
            ordered.add(1, 11);
            ordered.end(1);
        };
        assert_eq!(all(put), [10, 11, 20]);
        let unfinished = |ordered: &Ordered<'_, u32>| {
            ordered.add(1, 10);
            ordered.end(0);
            ordered.add(1, 11);
            ordered.put(2, 20);
        };
        assert_eq!(all(unfinished), [10, 11], "the second question has not ended");
    }
}
