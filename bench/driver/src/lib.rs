//! The driver that is measured.
