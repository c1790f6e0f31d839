//! Progress on a terminal, nothing elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::Common;

/// A bar with a name, how many are done, and the time that is left at the pace so far.
pub(crate) fn bar(common: &Common, name: &'static str, total: u64) -> ProgressBar {
    // On standard error, where indicatif hides it unless that is a terminal.
    let target = if common.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style = ProgressStyle::with_template("{msg:10} {wide_bar} {pos}/{len}  {elapsed} gone, {eta} left");
    let bar = ProgressBar::with_draw_target(Some(total), target).with_message(name);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
