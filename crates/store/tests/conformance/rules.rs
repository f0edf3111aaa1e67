//! The rules every store keeps, as a list of which a macro makes tests for each store.

/// Makes a test of each rule, with the store that `$store` makes; what else it makes is kept until the test ends.
macro_rules! rules {
    ($store:ident: $($module:ident: $($rule:ident)*;)*) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                let (_kept, store) = $store().await;
                crate::$module::$rule(crate::scenario::World::new(store)).await;
            }
        )*)*
    };
}

macro_rules! every_rule {
    ($store:ident) => {
        rules! {
            $store:
        guards:
            of_fifty_commits_at_once_only_those_lose_that_must
            a_name_that_is_not_exclusive_stays_with_whoever_took_it_first
            the_first_guard_in_the_order_is_the_one_that_is_told
            an_equal_request_within_a_day_is_the_same_request
            of_equal_requests_at_the_same_moment_one_is_accepted
            a_name_is_taken_once_in_its_project_and_kind
            an_operation_number_used_twice_fails_alone
            what_does_not_exist_cannot_be_changed
            a_decision_on_an_old_version_is_lost
            many_refunds_at_once_never_return_more_than_was_debited
            commits_of_an_older_epoch_are_fenced
            a_notification_is_taken_once
            a_commit_happens_although_its_future_is_dropped;
        books:
            an_unbalanced_entry_is_refused
            an_entry_is_posted_once
            settled_legs_add_up_to_what_is_paid
            a_hold_takes_what_the_balance_covers_and_no_more
            a_merchant_without_an_account_has_nothing_to_hold
            many_holds_at_once_never_pass_the_floor
            of_several_holds_all_are_taken_or_none
            settling_pays_or_gives_back_what_was_held
            money_credited_a_moment_ago_can_be_held
            balances_are_told_by_project
            money_taken_for_a_declined_payment_waits_in_suspense
            a_hold_belongs_to_one_operation;
        messages:
            tasks_are_due_by_their_own_clock
            the_earliest_tasks_come_first
            a_project_is_busy_while_an_attempt_waits_or_a_callback_is_due
            a_delivery_is_tried_by_one_at_a_time_and_ends_once
            a_delivery_that_ended_is_opened_again_only_by_a_replay
            a_task_that_contradicts_its_delivery_is_refused
            earlier_deliveries_to_the_same_address_are_found_while_open
            a_callback_number_is_used_once_per_subject
            a_failed_request_is_told_without_a_payment;
        nodes:
            nodes_that_join_share_the_buckets_as_each_gives_back_its_surplus
            what_a_node_does_not_renew_in_time_another_takes_and_fences
            a_lease_that_ran_out_and_that_nobody_took_is_renewed_in_its_epoch
            a_node_that_works_alone_takes_everything_from_those_that_share
            nodes_at_the_same_moment_never_hold_the_same_bucket
            a_node_that_is_late_itself_leaves_the_others_a_term_to_renew
            due_work_is_that_of_the_buckets_asked_for;
        payouts:
            a_payout_pays_what_it_held_or_gives_it_back
            many_payouts_at_once_never_pass_the_balance
            a_payout_that_waits_for_its_next_try_keeps_its_hold_and_has_a_timer
            a_payout_taken_back_is_explained
            a_payout_cancelled_by_support_is_explained
            credits_that_come_to_light_too_late_wait_in_suspense
            a_payout_that_lacks_data_nobody_asks_for_ends_with_its_request;
        records:
            a_payment_is_read_as_it_was_written
            projects_are_kept_and_their_clocks_never_go_back
            a_project_changed_by_two_keeps_the_changes_of_both
            nodes_get_numbers_that_may_all_run_at_once
            a_hold_stays_until_it_is_released_and_passes_over_numbers_of_nodes
            a_node_learns_the_greatest_number_that_is_known
            a_verification_value_is_gone_when_its_operation_ends
            a_card_is_kept_once_per_project
            keys_of_a_wallet_are_kept_by_project_and_wallet
            a_vault_opens_again_with_its_own_master_key_only
            keys_of_verification_values_live_an_hour_and_as_long_as_needed
            keys_are_made_by_many_at_once_without_one_overwriting_another;
        custody:
            what_older_keys_seal_is_sealed_again_and_the_keys_are_destroyed
            nothing_is_kept_that_a_retired_key_seals
            keys_may_be_replaced_by_several_at_once_while_cards_are_added
            nodes_that_share_a_directory_replace_keys_of_verification_values_once
            a_proof_keeps_its_key_until_its_operation_ends
            a_key_that_the_database_has_lost_seals_nothing_although_its_number_comes_back
            sealed_cards_are_told_in_order_and_all_of_them;
        archives:
            an_archived_payment_leaves_its_name_and_its_balances
            what_is_under_way_or_needed_is_not_archived
            a_payment_that_changed_since_it_was_written_stays
            of_a_refund_and_an_archive_at_the_same_moment_one_wins
            an_archive_that_is_broken_off_anywhere_is_continued
            a_file_and_a_database_that_do_not_belong_together_are_told_apart;
        backlog:
            what_waits_is_counted_by_clock_and_kind;
        card_ranges:
            a_table_of_card_ranges_is_read_again_when_it_was_replaced;
        exchange:
            a_rate_holds_in_its_direction_from_its_moment_until_its_end_or_the_next
            a_rate_that_begins_at_the_same_moment_takes_the_place_of_the_earlier_one;
        retention:
            fingerprints_that_expired_long_ago_are_forgotten_and_the_others_stay
            the_newest_request_and_the_server_tell_the_time
            bodies_of_delivered_callbacks_are_forgotten_and_nothing_else_of_them
            what_providers_reported_is_forgotten_but_not_that_they_did;
        risk:
            what_stands_on_lists_is_found_by_project_and_value
            of_many_uses_at_once_only_as_many_as_allowed_are_recorded
            what_is_counted_is_what_the_measure_says
            a_loser_is_not_counted
            uses_that_no_limit_counts_any_more_are_forgotten;
        series:
            a_series_comes_with_the_payment_that_registers_it_or_not_at_all
            a_change_decided_on_an_old_version_of_a_series_is_lost
            a_moment_of_a_schedule_is_debited_once
            a_debit_is_found_with_its_series;
        texts:
            a_text_with_a_character_that_cannot_be_stored_is_refused_and_hinders_nobody;
        }
    };
}
