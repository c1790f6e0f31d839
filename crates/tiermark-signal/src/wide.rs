//! Loops on the widest vectors that a machine has.

use pulp::{Arch, NullaryFnOnce};

/// Work whose loops gain from wide vectors.
///
/// `run` is marked `#[inline(always)]`, and so is all that it calls in its loops: only what is inlined takes part.
pub trait Wide {
    /// What comes out.
    type Output;

    /// Do it.
    fn run(self) -> Self::Output;
}

/// Do `work` with the vector instructions of the machine.
///
/// The bits are the same everywhere: what runs side by side is what stands side by side in the code, no sum changes its
/// order, and no product is fused into a sum, since the language allows neither.
pub fn widest<W: Wide>(work: W) -> W::Output {
    Arch::new().dispatch(Call(work))
}

struct Call<W>(W);

impl<W: Wide> NullaryFnOnce for Call<W> {
    type Output = W::Output;

    #[inline(always)]
    fn call(self) -> W::Output {
        self.0.run()
    }
}
