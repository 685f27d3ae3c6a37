//! Setting text: faces, shaping, lines broken to a width, marks on a surface. What papers of ours and seals on those of others are drawn with.

pub mod cell;
pub mod draw;
pub mod typeface;
