//! Histories worth telling one by one.
