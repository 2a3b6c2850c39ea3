//! From what a process says to what a receiver on the network gets.

mod content;
mod delivery;
mod receiver;
mod subject;
