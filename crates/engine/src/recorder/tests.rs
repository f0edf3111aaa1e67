use super::*;
use std::time::Duration;

const PLACE: Place = Place { project: Some(ProjectId::new(7)), ahead: 0 };

fn request(body: &str) -> What {
    What::Request(Request {
        path: "/v2/payment/status".into(),
        body: body.into(),
        length: body.len(),
        status: 200,
        reply: "{}".into(),
        took: Duration::from_millis(1),
        request: None,
        refusal: None,
        fault_plan: None,
        explanation: None,
    })
}

fn push(recorder: &Recorder, body: &str) {
    recorder.push(PLACE, Timestamp::from_seconds(1), None, None, request(body));
}

fn numbers(records: &[Arc<Record>]) -> Vec<u64> {
    records.iter().map(|record| record.number).collect()
}

#[test]
fn records_are_numbered_and_the_oldest_are_forgotten_beyond_the_bound() {
    let recorder = Recorder { ring: Mutex::new(Ring::new(3, usize::MAX)), ..Recorder::default() };
    assert_eq!(recorder.newest(), 0);
    for _ in 0..5 {
        push(&recorder, "{}");
    }
    assert_eq!(numbers(&recorder.all()), [3, 4, 5]);
    assert_eq!(numbers(&recorder.after(4)), [5]);
    assert_eq!(numbers(&recorder.after(9)), [0_u64; 0]);
    assert_eq!(recorder.get(3).unwrap().number, 3);
    assert!(recorder.get(2).is_none() && recorder.get(6).is_none() && recorder.get(0).is_none());
}

#[test]
fn long_bodies_make_room_by_memory_before_number() {
    let recorder = Recorder { ring: Mutex::new(Ring::new(1_000, 50_000)), ..Recorder::default() };
    for _ in 0..20 {
        push(&recorder, &"x".repeat(10_000));
    }
    let kept = recorder.all();
    assert!((3..=5).contains(&kept.len()), "{}", kept.len());
    let weight: usize = kept.iter().map(|record| record.weight()).sum();
    assert!(weight <= 50_000, "{weight}");
}

#[test]
fn a_second_has_a_bounded_number_of_records_and_the_rest_is_counted() {
    let recorder = Recorder::default();
    let admitted = |second| {
        let tries = 0..MOST_IN_A_SECOND + 7;
        tries.filter(|_| recorder.place_of_nobody(Timestamp::from_seconds(second)).is_some()).count()
    };
    let most = usize::try_from(MOST_IN_A_SECOND).unwrap();
    assert_eq!((admitted(1_700_000_000), recorder.left_out()), (most, 7));
    assert_eq!((admitted(1_700_000_001), recorder.left_out()), (most, 14));
    assert_eq!(admitted(1_600_000_000), most, "a clock that was set back goes on counting");
}

#[tokio::test]
async fn who_waits_for_something_new_misses_nothing() {
    let recorder = Arc::new(Recorder::default());
    push(&recorder, "{}");
    // Recorded before the wait begins.
    recorder.changed(0).await;
    let waiting = tokio::spawn({
        let recorder = recorder.clone();
        async move { recorder.changed(1).await }
    });
    tokio::task::yield_now().await;
    push(&recorder, "{}");
    tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap();
}

#[tokio::test]
async fn nothing_is_told_of_a_number_that_no_record_has_yet() {
    let recorder = Recorder::default();
    push(&recorder, "{}");
    let told = tokio::time::timeout(Duration::from_millis(50), recorder.changed(9)).await;
    assert!(told.is_err(), "whoever asked would ask again at once, and without end");
}
