//! What each kind of fault decides, what becomes of it, and what is noted.

mod actions;
mod cuts;
mod decisions;
mod injection;
mod load;
mod several;
