//! What the journal promises, held against disks that crash, fill up, fail and rot.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use journal::{Disk, FaultyDisk, Journal, JournalError, Kind, Options, Position, Recovered, limits};
use proptest::prelude::*;
use stdx::{Random, SeededRandom};

const FOLDER: &str = "/j";
const KIND: Kind = Kind([1, 2, 3, 4]);

fn small() -> Options {
    Options { file_bytes: 4_096, write_ahead: false, ..Options::default() }
}

fn open(disk: &FaultyDisk, options: Options) -> (Journal, Recovered) {
    Journal::open(Arc::new(disk.clone()), Path::new(FOLDER), options).expect("opens")
}

fn payload(number: u64, bytes: usize) -> Vec<u8> {
    let mut payload = number.to_le_bytes().to_vec();
    payload.resize(bytes.max(8), number as u8);
    payload
}

fn number_of(payload: &[u8]) -> u64 {
    u64::from_le_bytes(payload[..8].try_into().expect("eight bytes"))
}

/// Every record after `after`, by its number.
fn replay(journal: &Journal, after: Position) -> Vec<u64> {
    let mut cursor = journal.cursor(after);
    let mut numbers = Vec::new();
    while let Some(record) = cursor.next().expect("readable") {
        assert_eq!(record.kind, KIND);
        numbers.push(number_of(&record.payload));
    }
    numbers
}

fn append(journal: &Journal, number: u64, bytes: usize) -> Result<Position, JournalError> {
    journal.append(KIND, &payload(number, bytes))?.wait()
}

fn live_files(disk: &FaultyDisk) -> Vec<PathBuf> {
    disk.names().into_iter().filter(|path| path.extension().is_some_and(|end| end == "journal")).collect()
}

#[test]
fn records_come_back_in_order_after_reopening() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk, small());
    for number in 1..=50 {
        assert_eq!(append(&journal, number, 300).expect("written"), Position(number));
    }
    assert!(live_files(&disk).len() > 3, "it rotates");
    assert_eq!(replay(&journal, Position(10)), (11..=50).collect::<Vec<_>>());
    drop(journal);
    let (journal, recovered) = open(&disk, small());
    assert_eq!((recovered.records, recovered.last, recovered.records_lost), (50, Position(50), 0));
    assert_eq!(replay(&journal, Position::START), (1..=50).collect::<Vec<_>>());
    assert_eq!(append(&journal, 51, 8).expect("written"), Position(51));
}

#[test]
fn what_recycled_files_held_before_is_never_replayed() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk, small());
    for number in 1..=200 {
        let position = append(&journal, number, 300).expect("written");
        journal.release(position).expect("released");
    }
    assert!(disk.names().len() <= 1 + limits::SPARE_FILES_MAX + 2, "files are recycled: {:?}", disk.names());
    append(&journal, 201, 8).expect("written");
    drop(journal);
    let (journal, recovered) = open(&disk, small());
    assert_eq!(replay(&journal, Position::START), vec![201]);
    assert_eq!(recovered.records_lost, 0);
    drop(journal);
    let (journal, _) = open(&disk, small());
    assert_eq!(append(&journal, 202, 8).expect("written"), Position(202), "numbers go on");
}

#[test]
fn numbers_go_on_when_every_file_is_gone() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk, Options { released: Position(77), ..small() });
    assert_eq!(append(&journal, 1, 8).expect("written"), Position(78));
}

#[test]
fn a_cursor_follows_appends_across_files_and_releases() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk, small());
    let mut cursor = journal.cursor(Position::START);
    assert_eq!(cursor.next().expect("readable"), None);
    for number in 1..=100 {
        append(&journal, number, 500).expect("written");
        let record = cursor.next().expect("readable").expect("there");
        assert_eq!((number_of(&record.payload), record.position), (number, Position(number)));
        assert_eq!(cursor.next().expect("readable"), None);
        journal.release(record.position).expect("released");
    }
    assert_eq!(cursor.records_lost(), 0);
}

#[test]
fn a_record_larger_than_a_file_gets_a_file_of_its_own() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk, small());
    append(&journal, 1, 8).expect("written");
    append(&journal, 2, 100_000).expect("written");
    append(&journal, 3, 8).expect("written");
    assert_eq!(replay(&journal, Position::START), vec![1, 2, 3]);
    // The largest body that is received, behind the header of a forwarder.
    let largest = journal.append_parts(KIND, &[&[0; 8], &vec![0; 64 << 20]]).expect("admitted");
    largest.wait().expect("written");
    let too_large = journal.append(KIND, &vec![0; limits::RECORD_BYTES_MAX + 1]);
    assert!(matches!(too_large, Err(JournalError::TooLarge { .. })));
}

#[test]
fn damage_costs_what_it_hits_and_is_told() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk, Options { file_bytes: 1 << 16, ..small() });
    for number in 1..=20 {
        append(&journal, number, 100).expect("written");
    }
    drop(journal);
    let file = live_files(&disk).remove(0);
    // Frames of 144 bytes behind a header of 64: the tenth's payload, and the header of the thirteenth.
    disk.flip_bit(&file, 64 + 9 * 144 + 60, 3);
    disk.flip_bit(&file, 64 + 12 * 144 + 1, 0);
    let (journal, recovered) = open(&disk, small());
    assert_eq!((recovered.damaged_places, recovered.records_lost, recovered.records), (2, 2, 18));
    assert_eq!(recovered.damage[0].offset, 64 + 9 * 144);
    assert_eq!(recovered.damage[0].bytes, 144);
    let expected: Vec<u64> = (1..=20).filter(|number| ![10, 13].contains(number)).collect();
    assert_eq!(replay(&journal, Position::START), expected);
    append(&journal, 21, 8).expect("written");
    assert_eq!(live_files(&disk).len(), 2, "a damaged file is not written to again");
}

#[test]
fn a_damaged_file_header_costs_no_record() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk, small());
    append(&journal, 1, 8).expect("written");
    drop(journal);
    disk.flip_bit(&live_files(&disk)[0], 10, 1);
    let (journal, _) = open(&disk, small());
    assert_eq!(replay(&journal, Position::START), vec![1]);
}

#[test]
fn a_newer_version_is_refused_and_untouched() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk, small());
    append(&journal, 1, 8).expect("written");
    drop(journal);
    let path = live_files(&disk).remove(0);
    let mut header = disk.contents(&path).expect("there")[..64].to_vec();
    header[8] = 9;
    let crc = crc32c::crc32c(&header[..60]).to_le_bytes();
    header[60..].copy_from_slice(&crc);
    disk.open(&path).and_then(|file| file.write_at(&header, 0)).expect("writes");
    let before = disk.contents(&path);
    let refused = Journal::open(Arc::new(disk.clone()), Path::new(FOLDER), small());
    assert!(matches!(refused, Err(JournalError::NewerVersion { found: 9, .. })), "{refused:?}");
    assert_eq!(disk.contents(&path), before);
}

#[test]
fn a_failed_sync_is_told_and_the_file_not_trusted_again() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk, small());
    append(&journal, 1, 8).expect("written");
    disk.fail_sync_after(0);
    let failed = append(&journal, 2, 8);
    assert!(matches!(failed, Err(JournalError::Disk { doing: "sync", .. })), "{failed:?}");
    assert_eq!(append(&journal, 3, 8).expect("a new file is written"), Position(3));
    assert_eq!(live_files(&disk).len(), 2);
    assert_eq!(replay(&journal, Position::START), vec![1, 3]);
    let stats = journal.stats();
    assert_eq!((stats.appended, stats.failed), (3, 1));
    drop(journal);
    let crashed = disk.crash(&SeededRandom::new(1));
    let (journal, recovered) = open(&crashed, small());
    assert_eq!(replay(&journal, Position::START), vec![1, 3]);
    assert_eq!(recovered.records_lost, 0, "nobody was promised the second");
}

#[test]
fn a_full_disk_is_told_and_passes() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk, small());
    append(&journal, 1, 100).expect("written");
    disk.set_room(Some(50));
    let syncs = journal.stats().syncs;
    for number in 2..=10 {
        assert!(matches!(append(&journal, number, 100), Err(JournalError::DiskFull { .. })));
    }
    assert_eq!(journal.stats().syncs, syncs, "the disk was not asked to sync what it did not take");
    assert!(live_files(&disk).len() <= 2, "failing leaves no files behind: {:?}", disk.names());
    disk.set_room(None);
    append(&journal, 11, 100).expect("room again");
    assert_eq!(replay(&journal, Position::START), vec![1, 11]);
}

#[test]
fn a_bounded_journal_says_that_it_is_full() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk, Options { bytes_max: Some(20_000), ..small() });
    let mut last = Position::START;
    let full = loop {
        match append(&journal, 1, 1_000) {
            Ok(position) => last = position,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, JournalError::Full { limit: 20_000, .. }), "{full:?}");
    journal.release(last).expect("released");
    append(&journal, 2, 1_000).expect("room again");
}

#[test]
fn a_closed_journal_has_written_everything_and_takes_no_more() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk, small());
    let receipts: Vec<_> = (1..=9).map(|number| journal.append(KIND, &payload(number, 8)).expect("room")).collect();
    journal.close();
    assert!(receipts.into_iter().all(|receipt| receipt.wait().is_ok()));
    assert!(matches!(journal.append(KIND, b"x"), Err(JournalError::Closed)));
}

#[test]
fn files_are_prepared_ahead_on_a_real_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { file_bytes: 64 << 10, ..Options::default() };
    let open = || Journal::open(Arc::new(journal::SystemDisk), folder.path(), options).expect("opens").0;
    let journal = open();
    for number in 1..=400 {
        append(&journal, number, 1_000).expect("written");
    }
    drop(journal);
    assert_eq!(replay(&open(), Position::START), (1..=400).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Random appends, faults, releases and crashes: what was acknowledged and not released is there, in order, once;
    /// nothing comes that was never appended.
    #[test]
    fn nothing_acknowledged_is_lost(seed in any::<u64>()) {
        let random = SeededRandom::new(seed);
        let mut disk = FaultyDisk::new();
        let mut acknowledged = Vec::new();
        let mut released = Position::START;
        let mut number = 0;
        for _life in 0..4 {
            let (journal, recovered) = open(&disk, small());
            prop_assert_eq!(recovered.records_lost, 0);
            let found = replay(&journal, released);
            prop_assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "each once, in order: {:?}", found);
            prop_assert!(acknowledged.iter().filter(|(at, _)| *at > released).all(|(_, n)| found.contains(n)));
            prop_assert!(found.iter().all(|&n| n <= number));
            let mut waiting = Vec::new();
            for _step in 0..random.below(40) {
                match random.below(12) {
                    0 => disk.fail_sync_after(random.below(3)),
                    1 => disk.tear_write_after(random.below(3)),
                    2 => {
                        released = released.max(Position(random.below(journal.durable().0 + 1)));
                        // The note may be torn; the position is remembered all the same.
                        let _ = journal.release(released);
                    }
                    _ => {
                        number += 1;
                        if let Ok(receipt) = journal.append(KIND, &payload(number, random.below(1_500) as usize)) {
                            waiting.push((receipt, number));
                        }
                    }
                }
                if random.below(3) == 0 {
                    for (receipt, number) in waiting.drain(..) {
                        if let Ok(position) = receipt.wait() {
                            acknowledged.push((position, number));
                        }
                    }
                }
            }
            for (receipt, number) in waiting {
                if let Ok(position) = receipt.wait() {
                    acknowledged.push((position, number));
                }
            }
            let crashed = disk.crash(&random);
            drop(journal);
            disk = crashed;
        }
    }

    /// Whatever bits rot, opening and reading neither panic nor invent records.
    #[test]
    fn rot_never_invents_records(flips in prop::collection::vec((0_usize..4_096, 0_u8..8), 1..20)) {
        let disk = FaultyDisk::new();
        let (journal, _) = open(&disk, small());
        for number in 1..=20 {
            append(&journal, number, 100).expect("written");
        }
        drop(journal);
        let file = live_files(&disk).remove(0);
        for (offset, bit) in flips {
            disk.flip_bit(&file, offset, bit);
        }
        let (journal, _) = open(&disk, small());
        let mut cursor = journal.cursor(Position::START);
        let mut last = 0;
        while let Some(record) = cursor.next().expect("readable") {
            let number = number_of(&record.payload);
            prop_assert!(number > last && number <= 20);
            prop_assert_eq!(record.payload, payload(number, 100));
            last = number;
        }
    }
}
