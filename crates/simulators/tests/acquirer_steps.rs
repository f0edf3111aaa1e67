//! Two-step purchases, verification and the particulars of card requests over real sockets, with messages written by hand
//! from the profile.

#![allow(missing_docs, reason = "a test binary has no interface")]

#[cfg(test)]
mod support;

use std::time::Duration;

use ferropay_simulators::acquirer::{AttemptKind, AttemptState};
use support::*;

const PARTIAL: &str = "5126160000356675";

// G-166, G-172, D-498
#[tokio::test]
async fn a_hold_is_raised_lowered_captured_and_given_back_over_the_wire() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    client.send(&authorisation(1, 2_000, "07003123")).await;
    let held = client.answer().await;
    assert_eq!((held.mti.as_str(), held.code.as_str()), ("0110", "00"));
    assert!(held.approval.is_some() && held.text.contains("02601001M08015"));
    let repeat = authorisation(1, 2_000, "").replacen("0100", "0101", 1);
    client.send(&repeat).await;
    assert_eq!(client.answer().await.approval, held.approval, "the stored answer");
    assert_eq!(acquirer.book().totals[0].1.on_hold(), 2_000);

    client.send(&increment(2, 500, 1)).await;
    let raised = client.answer().await;
    assert_eq!((raised.mti.as_str(), raised.code.as_str()), ("0110", "00"));
    let lowered = void(3, 2_500, &(original(1) + "11012000000000300"), Some(2_200));
    client.send(&lowered).await;
    let answer = client.answer().await;
    assert_eq!((answer.mti.as_str(), answer.code.as_str()), ("0410", "00"));
    assert_eq!(client.ask(&lowered.replacen("0400", "0401", 1)).await, "00", "repeated, not done again");
    assert_eq!(client.ask(&refund(4, 100, &original(1))).await, "25", "a hold is not refunded");

    assert_eq!(client.ask(&capture(5, 2_201, 1)).await, "13");
    client.send(&capture(6, 1_500, 1)).await;
    let captured = client.answer().await;
    assert_eq!((captured.mti.as_str(), captured.code.as_str()), ("0230", "00"));
    assert!(captured.approval.is_some());
    let again = capture(6, 1_500, 1).replacen("0220", "0221", 1);
    client.send(&again).await;
    assert_eq!(client.answer().await.approval, captured.approval);
    assert_eq!(client.ask(&capture(7, 100, 1)).await, "25", "one capture, and the rest is let go");
    assert_eq!(client.ask(&advice(6, 1_500)).await, "94", "a capture is repeated, never undone");

    assert_eq!(client.ask(&refund(8, 400, &original(6))).await, "00");
    assert_eq!(client.ask(&void(9, 1_500, &(original(6) + "11012000000001100"), Some(0))).await, "00");
    let (_, totals) = acquirer.book().totals[0];
    assert_eq!((totals.on_hold(), totals.taken(), totals.returned()), (0, 1_500, 1_500));
    assert_eq!((totals.released, totals.released_by_captures), (300, 700));
    assert_eq!(acquirer.operation(reference(3)).unwrap().kind, AttemptKind::Release);
}

// G-173
#[tokio::test]
async fn a_hold_is_let_go_whole_by_the_merchant_or_by_an_advice() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    for number in [1, 2] {
        assert_eq!(client.ask(&authorisation(number, 2_000, "")).await, "00");
    }
    assert_eq!(client.ask(&void(3, 2_000, &original(1), None)).await, "00");
    assert_eq!(client.ask(&capture(4, 100, 1)).await, "25");
    assert_eq!(client.ask(&increment(5, 300, 2)).await, "00");
    assert_eq!(client.ask(&advice(5, 300)).await, "00", "only the increment");
    assert_eq!(acquirer.operation(reference(2)).unwrap().left, 2_000);
    assert_eq!(client.ask(&advice(2, 2_000)).await, "00");
    assert_eq!(client.ask(&authorisation(2, 2_000, "")).await, "94");
    assert_eq!(client.ask(&advice(6, 700)).await, "00");
    assert_eq!(client.ask(&authorisation(6, 700, "")).await, "94", "reversed before it was seen");
    assert_eq!(client.ask(&increment(7, 300, 2)).await, "25");
    let (_, totals) = acquirer.book().totals[0];
    assert_eq!((totals.on_hold(), totals.taken()), (0, 0));
}

#[tokio::test]
async fn references_are_one_space_and_steps_are_malformed_without_the_one_they_name() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    assert_eq!(client.ask(&authorisation(1, 500, "")).await, "00");
    assert_eq!(client.ask(&purchase(1, 500, "")).await, "94");
    assert_eq!(client.ask(&capture(1, 500, 1)).await, "94");
    let nameless = |message: String| message.replace(&format!("017{}", original(1)), "017990120000000000AB");
    assert_eq!(client.ask(&nameless(capture(2, 500, 1))).await, "30");
    assert_eq!(client.ask(&increment(3, 500, 1).replace("21001I", "21001X")).await, "30");
    let credit = |message: String| message.replacen("077000000", "077260000", 1);
    assert_eq!(client.ask(&credit(authorisation(4, 500, ""))).await, "12");
    assert_eq!(client.ask(&credit(capture(5, 500, 1))).await, "12");
    let unlisted = void(6, 500, &original(1), None).replacen("077000000", "077280000", 1);
    assert_eq!(client.ask(&unlisted).await, "12");
    assert_eq!(client.ask(&take_back(7, 500, 1)).await, "25", "a hold is no credit");
    assert_eq!(acquirer.operation(reference(1)).unwrap().left, 500);
}

// G-304
#[tokio::test]
async fn a_refund_is_cancelled_over_the_wire() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    assert_eq!(client.ask(&purchase(1, 2_000, "")).await, "00");
    assert_eq!(client.ask(&refund(2, 500, &original(1))).await, "00");
    let cancel = |number| {
        void(number, 500, &original(2), None).replacen(&format!("{GOOD}000000"), &format!("{GOOD}200000"), 1)
    };
    client.send(&cancel(3)).await;
    let answer = client.answer().await;
    assert_eq!((answer.mti.as_str(), answer.code.as_str()), ("0410", "00"));
    assert_eq!(client.ask(&cancel(3).replacen("0400", "0401", 1)).await, "00");
    assert_eq!(client.ask(&cancel(4)).await, "13");
    let (_, totals) = acquirer.book().totals[0];
    assert_eq!(totals.taken() - totals.returned(), 2_000);
    assert_eq!(acquirer.operation(reference(3)).unwrap().kind, AttemptKind::RefundReversal);
}

// G-243, G-246, D-489
#[tokio::test]
async fn a_smaller_amount_is_approved_only_when_it_would_do() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    assert_eq!(client.ask(&purchase_of(PARTIAL, 1, 20_000, "")).await, "51");
    client.send(&purchase_of(PARTIAL, 2, 20_000, "160011")).await;
    let part = client.answer().await;
    assert_eq!((part.code.as_str(), part.amount), ("10", 12_000));
    assert!(part.approval.is_some());
    client.send(&purchase_of(PARTIAL, 2, 20_000, "160011").replacen("0200", "0201", 1)).await;
    assert_eq!(client.answer().await.amount, 12_000);
    client.send(&authorisation_of(PARTIAL, 3, 20_000, "160011")).await;
    assert_eq!(
        (client.answer().await.amount, acquirer.operation(reference(3)).unwrap().left),
        (12_000, 12_000)
    );
    assert_eq!(client.ask(&capture(4, 12_001, 3)).await, "13");
    assert_eq!(client.ask(&advice(2, 20_000)).await, "00", "the advice knows only what was asked for");
    assert_eq!(acquirer.book().totals[0].1.taken() - acquirer.book().totals[0].1.returned(), 0);
}

// G-232, G-233, D-512
#[tokio::test]
async fn an_address_is_checked_and_refused_only_when_it_has_to_match() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    for (number, tags, code, result) in [
        (1, "12009BRIVIBAS115007LV-1050", "00", "13001Y"),
        (2, "15007LV-1059", "00", "13001N"),
        (3, "14001115007LV-1059", "A1", "13001N"),
        (4, "14001115007LV-1055", "00", "13001U"),
    ] {
        client.send(&purchase(number, 100, tags)).await;
        let answer = client.answer().await;
        assert_eq!(answer.code, code, "{tags}");
        assert!(answer.text.contains(result), "{tags}: {}", answer.text);
    }
    assert_eq!(client.ask(&purchase_of("4111111111111111", 5, 100, "14001115007LV-1059")).await, "99");
    assert_eq!(acquirer.book().totals[0].1.taken(), 300);
    assert_eq!(acquirer.operation(reference(3)).unwrap().address_check, Some('N'));
}

// G-235, G-237, G-339, D-485, D-512
#[tokio::test]
async fn a_card_is_verified_with_its_holders_name() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    for (number, last, result) in
        [(1, "JANSONE", "A"), (2, "PARTIAL", "B"), (3, "NOMATCH", "C"), (4, "UNAVAILABLE", "U")]
    {
        let tags = format!("07003123{}{:03}{last}", "22005ILONA24", last.len());
        client.send(&verification(number, 0, &tags)).await;
        let answer = client.answer().await;
        assert_eq!((answer.mti.as_str(), answer.code.as_str(), answer.amount), ("0110", "00", 0));
        assert!(answer.text.contains(&format!("25001{result}")), "{}", answer.text);
    }
    let bad = verification(5, 0, "").replace(GOOD, "4111111111111111");
    assert_eq!(client.ask(&bad).await, "99");
    assert_eq!(client.ask(&authorisation(6, 0, "")).await, "13", "only a verification may be of nothing");
    assert_eq!(client.ask(&verification(7, 100, "")).await, "00");
    assert_eq!(acquirer.book().totals[0].1.on_hold(), 100);
    assert_eq!(client.ask(&advice(7, 100)).await, "00");
    assert_eq!(acquirer.book().totals[0].1.on_hold(), 0);
    assert_eq!(client.ask(&capture(8, 100, 1)).await, "25");
}

// G-211, G-213, G-216
#[tokio::test]
async fn a_merchant_authentication_is_offered_started_and_finished() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    let offered = plan("merchant-auth");
    assert_eq!(client.ask(&purchase(1, 500, &offered)).await, "Z1");
    assert_eq!(client.ask(&purchase(1, 500, &offered)).await, "Z1", "remembered");
    assert_eq!(client.ask(&code_request(2, 500, 9)).await, "25");
    client.send(&code_request(3, 500, 1)).await;
    let placed = client.answer().await;
    assert_eq!((placed.mti.as_str(), placed.code.as_str()), ("0110", "00"));
    assert_eq!(acquirer.book().totals.len(), 0, "nothing has moved");
    assert_eq!(client.ask(&purchase(4, 500, &(offered.clone() + "19006654321"))).await, "Z2");
    assert_eq!(client.ask(&purchase(5, 500, &(offered.clone() + "19006123456"))).await, "00");
    assert_eq!(client.ask(&authorisation(6, 500, &offered)).await, "Z1");
    assert_eq!(client.ask(&authorisation(7, 500, &(offered + "19006123456"))).await, "00");
    let done = acquirer.operation(reference(5)).unwrap();
    assert!(done.confirmed && done.state == AttemptState::Approved);
    assert_eq!(acquirer.operation(reference(1)).unwrap().moved, 0);
    assert_eq!(acquirer.book().doubled_operations, []);
}

// G-194, G-208, G-253, G-257
#[tokio::test]
async fn authentication_mail_order_and_descriptor_can_be_seen_in_the_book() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    let id = "f25084f0-5b16-4c0a-ae5d-b24808a95e4b";
    let tags = format!(
        "020020503028AAECAwQFBgcICQoLDA0ODxAREhM=04036{id}180052.2.020028MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="
    );
    let shop = |message: String| message.replace("FERROPAY TEST SHOP       ", "SHOP* TEA AND BISCUITS   ");
    assert_eq!(client.ask(&shop(purchase(1, 500, &tags))).await, "00");
    let operation = acquirer.operation(reference(1)).unwrap();
    assert_eq!(operation.shop, "SHOP* TEA AND BISCUITS");
    let authentication = operation.authentication.unwrap();
    assert_eq!(authentication.eci.as_deref(), Some("05"));
    assert_eq!(authentication.cavv.as_deref(), Some("AAECAwQFBgcICQoLDA0ODxAREhM="));
    assert_eq!(authentication.ds_transaction_id.as_deref(), Some(id));
    assert_eq!(authentication.version.as_deref(), Some("2.2.0"));
    assert_eq!(authentication.xid.as_deref(), Some("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="));
    let telephone = |message: String| message.replacen("599981259", "599901208", 1);
    assert_eq!(client.ask(&telephone(authorisation(2, 500, "170012"))).await, "00");
    let operation = acquirer.operation(reference(2)).unwrap();
    assert_eq!((operation.remote_order, operation.authentication), (Some('2'), None));
    assert_eq!(operation.kind, AttemptKind::Authorisation);
}

// D-488
#[tokio::test]
async fn a_silent_issuer_declines_a_hold_and_its_reversal_in_between_wins() {
    let acquirer = start_with(|config| config.issuer_timeout = Duration::from_millis(200)).await;
    let mut client = Client::signed_on(&acquirer).await;
    client.send(&authorisation_of(SILENT_ISSUER, 1, 500, "")).await;
    client.send(&authorisation_of(SILENT_ISSUER, 2, 500, "")).await;
    assert_eq!(client.ask(&advice(2, 500)).await, "00");
    let mut answers = Vec::new();
    for _ in 0..2 {
        let answer = client.answer().await;
        answers.push((answer.de37, answer.code));
    }
    answers.sort();
    assert_eq!(answers, [(de37(1), "68".to_owned()), (de37(2), "94".to_owned())]);
}

#[tokio::test]
async fn each_kind_of_message_has_a_word_in_fault_plans() {
    let acquirer = start().await;
    let plan = "decline=11@authorisation,decline=12@increment,decline=13@verification,decline=14@code,decline=15@capture";
    let mut client = Client::signed_on(&acquirer).await;
    assert_eq!(client.ask(&authorisation(1, 100, "")).await, "00");
    acquirer.set_faults("57123", plan).unwrap();
    for (message, code) in [
        (authorisation(2, 100, ""), "11"),
        (increment(3, 100, 1), "12"),
        (verification(4, 100, ""), "13"),
        (code_request(5, 100, 2), "14"),
        (capture(6, 100, 1), "15"),
        (purchase(7, 100, ""), "00"),
    ] {
        assert_eq!(client.ask(&message).await, code);
    }
    assert_eq!(acquirer.operation(reference(1)).unwrap().left, 100);
}
