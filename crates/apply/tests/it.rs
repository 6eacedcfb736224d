//! The crate against a real API server.
//!
//! Scenarios are rows of one table: they share a control plane, and each has a namespace of its own
//! to work in. Requests are counted by a client's observer.

mod it {
    pub(crate) mod cluster;
    mod drift;
    mod failure;
    mod health;
    mod ignore;
    mod immutable;
    mod managers;
    mod prune;
    mod skip;
    mod stages;

    use futures::future::BoxFuture;

    use cluster::{Cluster, Space};

    type Scenario = (&'static str, for<'a> fn(&'a Space) -> BoxFuture<'a, ()>);

    macro_rules! scenarios {
        ($($module:ident::$name:ident,)*) => {
            &[$((
                concat!(stringify!($module), "::", stringify!($name)),
                |space| Box::pin($module::$name(space)),
            ),)*]
        };
    }

    const SCENARIOS: &[Scenario] = scenarios![
        drift::each_case_costs_the_requests_that_the_table_says,
        drift::what_is_right_already_is_adopted_without_a_write,
        drift::a_removed_label_goes,
        drift::string_data_is_no_drift,
        drift::fields_that_the_server_does_not_know_are_dropped_and_told,
        failure::one_refused_object_stops_the_whole_stage,
        failure::completed_stages_are_told,
        failure::texts_are_fluxs,
        failure::a_role_is_needed_before_its_binding_unless_it_has_a_stage,
        health::states_are_told_in_order,
        health::a_failed_pod_fails_its_replica_set,
        ignore::fields_of_others_stay_theirs_and_the_rest_is_corrected,
        immutable::a_field_that_cannot_change_is_an_error_until_forced,
        immutable::kinds_with_their_own_wording_are_recreated,
        immutable::nothing_is_deleted_for_what_the_server_would_not_take,
        immutable::finalizers_are_waited_for,
        immutable::a_service_keeps_the_port_that_it_is_recreated_for,
        managers::kubectl_is_taken_over,
        managers::merge_keeps_the_fields_of_others,
        managers::chosen_managers_are_taken_over_by_prefix,
        managers::entries_move_to_the_version_applied,
        prune::only_what_is_ours_and_says_nothing_against_it_goes,
        prune::a_refused_deletion_survives,
        prune::what_the_user_may_not_read_is_left_if_it_is_not_ours,
        prune::an_object_that_took_the_name_is_safe,
        skip::a_live_object_that_says_so_is_left_alone,
        skip::create_only_objects_are_created_once,
        skip::a_namespace_on_a_cluster_scoped_object_disappears,
        stages::a_definition_and_its_objects_go_in_one_apply,
        stages::a_namespace_and_its_content_go_in_one_apply,
        stages::a_new_kind_is_found_and_a_removed_one_missed,
    ];

    #[test]
    fn scenarios() {
        let runtime = tokio::runtime::Runtime::new().expect("runtime");
        let only = std::env::args()
            .skip(1)
            .find(|arg| arg.contains("::"))
            .unwrap_or_default();
        runtime.block_on(async {
            let cluster = Cluster::start().await;
            let mut failed = Vec::new();
            for (name, scenario) in SCENARIOS {
                if !name.contains(&only) {
                    continue;
                }
                let space = cluster.space().await;
                let run = tokio::spawn(async move { scenario(&space).await });
                if run.await.is_err() {
                    failed.push(*name);
                }
            }
            assert!(failed.is_empty(), "failed scenarios: {failed:#?}");
        });
    }
}
