//! `bob-auth demo` as people and programs see it: the real binary with real servers and proxies on 127.0.0.1. Whatever ends it,
//! nothing is left: no process, and no directory unless somebody wanted it.

#![cfg(test)]

mod running;

mod ends;
mod keep;
mod refusals;
mod stories;
