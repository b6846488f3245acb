//! What can happen to a shard, in any order.

use super::owner::Fault;
use proptest::prelude::*;

/// In ms.
pub const HOUR: i64 = 3_600_000;

/// One thing that happens.
#[derive(Debug, Clone)]
pub enum Event {
    Append {
        traces: Vec<u8>,
        system: u8,
        error: bool,
    },
    Repeat(u8),
    Pass(i64),
    Steps(u8, Fault),
    Wrong(u8),
    Heal,
    /// Whether Redis answers no more than two entries at once to who looks for some.
    Brief(bool),
    Wipe,
    Crash,
    Checkpoint,
    Clear {
        trace: Option<u8>,
        fault: Fault,
        meanwhile: bool,
    },
    Read(u8),
    Ledger(bool),
    Rest,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        6 => Just(Fault::None),
        1 => Just(Fault::Lost),
        2 => Just(Fault::AnswerLost),
        2 => (1..12_u8).prop_map(Fault::Late),
        1 => Just(Fault::Busy),
        1 => Just(Fault::Refused),
        1 => (0..6_u8).prop_map(Fault::Item),
    ]
}

/// Any of them, ordinary ones more often.
pub fn event() -> impl Strategy<Value = Event> {
    let append = (prop::collection::vec(0..4_u8, 1..4), 0..4_u8, any::<bool>())
        .prop_map(|(traces, system, error)| Event::Append { traces, system, error });
    let pass = prop_oneof![
        6 => 0..2_000_i64,
        3 => 2_000..70_000_i64,
        1 => Just(10 * 60_000_i64),
        1 => Just(HOUR - 30_000),
        1 => Just(HOUR + 200_000),
    ];
    let clear = (prop::option::of(0..4_u8), fault(), any::<bool>())
        .prop_map(|(trace, fault, meanwhile)| Event::Clear { trace, fault, meanwhile });
    prop_oneof![
        10 => append,
        2 => any::<u8>().prop_map(Event::Repeat),
        8 => pass.prop_map(Event::Pass),
        14 => (1..5_u8, fault()).prop_map(|(n, fault)| Event::Steps(n, fault)),
        1 => (0..4_u8).prop_map(Event::Wrong),
        1 => Just(Event::Heal),
        1 => any::<bool>().prop_map(Event::Brief),
        1 => Just(Event::Wipe),
        3 => Just(Event::Crash),
        1 => Just(Event::Checkpoint),
        2 => clear,
        3 => (0..4_u8).prop_map(Event::Read),
        1 => any::<bool>().prop_map(Event::Ledger),
        1 => Just(Event::Rest),
    ]
}
