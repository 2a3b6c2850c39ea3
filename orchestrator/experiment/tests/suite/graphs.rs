//! Systems that are a graph of services: what is read, and what is refused in which words.

use std::path::Path;

use ragdoll_experiment::{Experiment, SpecErrors};
use ragdoll_model::Service;

use crate::common::TestCatalog;

/// An experiment on these services, with these lines in its one fault.
fn parse(graph: &str, fault: &str) -> Result<Experiment, SpecErrors> {
    parse_expecting(graph, fault, "odd.error_rate == 0.0")
}

/// The same, of which this is expected to hold.
fn parse_expecting(graph: &str, fault: &str, holds: &str) -> Result<Experiment, SpecErrors> {
    let text = format!(
        "title = \"A graph\"\n{graph}\n[workload]\narrivals = {{ poisson_per_s = 5.0 }}\n\
         [[phases]]\nname = \"calm\"\nduration_s = 10\n\
         [[phases]]\nname = \"odd\"\nduration_s = 10\n{fault}\n\
         [[expect]]\nholds = \"{holds}\"\n"
    );
    Experiment::parse(&text, Path::new("graph.toml"), &TestCatalog)
}

/// Services that are given as `NAME: CALLEE CALLEE`, with more keys after a comma.
fn services(lines: &[&str]) -> String {
    let lines = lines.iter().map(|line| {
        let (line, more) = line.split_once(',').unwrap_or((line, ""));
        let (name, callees) = line.split_once(':').expect("a colon");
        let calls = callees.split_whitespace();
        let calls: Vec<String> = calls
            .map(|callee| format!("{{ service = \"{callee}\" }}"))
            .collect();
        format!(
            "[[topology.graph.services]]\nname = \"{name}\"\ncalls = [{}]\n{more}\n",
            calls.join(", ")
        )
    });
    lines.collect()
}

fn refusal(graph: &str, fault: &str) -> String {
    match parse(graph, fault) {
        Ok(_) => panic!("accepted:\n{graph}"),
        Err(errors) => errors.to_string(),
    }
}

fn fault(kind: &str, target: &str, params: &str) -> String {
    format!("faults = [{{ kind = \"{kind}\", target = {target}, params = {params} }}]")
}

const SLOW: &str = "{ delay = { fixed = { ms = 5.0 } } }";

#[test]
fn a_graph_takes_the_place_of_the_rag_system() {
    let graph = services(&["frontend: cart tax", "cart: tax, instances = 2", "tax:"]);
    let edge = "{ edge = { from = \"cart\", to = \"tax\" } }";
    let experiment = parse(&graph, &fault("latency", edge, SLOW)).expect("no mistake");
    let topology = &experiment.topology;
    let instances = topology.instances();
    let names: Vec<&str> = instances.iter().map(|id| id.name()).collect();
    assert_eq!(
        names,
        ["client-0", "frontend-0", "cart-0", "cart-1", "tax-0"]
    );
    let frontend = Service::from_name("frontend").expect("a name");
    assert_eq!(topology.entry(), frontend);
    // What a record holds is read back as the same system.
    let text = serde_json::to_string(&experiment).expect("plain data");
    let back: Experiment = serde_json::from_str(&text).expect("the same experiment");
    assert_eq!(back.topology, experiment.topology);
}

#[test]
fn mistakes_in_a_graph() {
    let found = [
        refusal(&services(&["frontend: cart", "cart: tax", "tax: cart"]), ""),
        refusal(&services(&["frontend: frontend"]), ""),
        refusal(&services(&["frontend: card cart", "cart:"]), ""),
        refusal(&services(&["Front end:"]), ""),
        refusal(&services(&["frontend: client", "client:"]), ""),
        refusal(&services(&["frontend: cart", "tax:"]), ""),
        refusal(&services(&["frontend: tax", "tax:", "tax:"]), ""),
        refusal(&services(&["frontend:", "tax:"]), ""),
        refusal(&services(&["frontend:, workers = 0\ninstances = 101"]), ""),
        refusal(
            &services(&["frontend:, memory = { base_bytes = 5, budget_bytes = 5 }"]),
            "",
        ),
        refusal("[topology.graph]\ndeadline_ms = 5.0", ""),
        refusal(
            &format!(
                "{}calls = 1",
                services(&["frontend:"]).replace("calls = []", "")
            ),
            "",
        ),
        refusal(
            &format!("{}[workload.extra]\n", services(&["frontend:"])),
            "",
        ),
    ];
    insta::assert_snapshot!(found.join("\n"), @r#"
    graph.toml:2:18: `topology.graph.services` call each other in a circle: cart -> tax -> cart; remove one of these calls
    graph.toml:2:18: `topology.graph.services` call each other in a circle: frontend -> frontend; remove one of these calls
    graph.toml:4:12: `topology.graph.services[0].calls[0].service` is "card", which the graph does not have; did you mean `cart`?
    graph.toml:3:1: `topology.graph.services[0].name` is "Front end", which no service can be called; use at most 40 small letters, digits and hyphens, beginning with a letter, not ending in a hyphen and a number as instances do
    graph.toml:7:1: `topology.graph.services[1].name` is "client", as whoever sends the load is called; choose another name
    graph.toml:4:12: `topology.graph.services[0].calls[0].service` is "cart", which the graph does not have; use `tax`
    graph.toml:11:1: `topology.graph.services[2].name` is "tax", as is that of `services[1]`; give each service a name of its own
    graph.toml:7:1: `topology.graph.services[1].name` is "tax", to which no request comes: it is not called by "frontend", nor by whom that calls; add a call of it, or remove it
    graph.toml:5:2: `topology.graph.services[0].workers` is the integer 0; use a number of at least 1
    graph.toml:6:1: `topology.graph.services[0].instances` is the integer 101; use a number from 1 to 100
    graph.toml:5:29: `topology.graph.services[0].memory.budget_bytes` is 5, which the idle process fills: `base_bytes` is 5; raise the budget above the base
    graph.toml:2:11: `topology.graph` has no services; add a service, [[topology.graph.services]], or remove the graph
    graph.toml:6:1: `topology.graph.services[0].calls` is the integer 1; give an array of tables, [[topology.graph.services.calls]]
    graph.toml:6:11: `workload.extra` is not a key here; use one of `arrivals`, `queries`, `topic_skew`, `users`, `top_k`, `prompt_tokens`, `output_tokens`, `ingest_per_s`
    "#);
}

/// An entry that calls this many others.
fn star(leaves: usize) -> String {
    let names: Vec<String> = (0..leaves).map(|number| format!("leaf{number}")).collect();
    let entry = format!("entry: {}", names.join(" "));
    let others = names.iter().map(|name| format!("{name}:"));
    let lines: Vec<String> = std::iter::once(entry).chain(others).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    services(&lines)
}

#[test]
fn at_most_300_services_of_at_most_4096_instances() {
    assert!(parse(&star(299), "").is_ok());
    let refused = refusal(&star(300), "");
    assert!(refused.contains("give at most 300"), "{refused}");
    let many = star(60).replace("name =", "instances = 68\nname =");
    insta::assert_snapshot!(refusal(&many, ""), @"graph.toml:2:18: `topology.graph.services` have 4148 instances together; use at most 4096");
}

/// What is said first of these lines of a service that may call another.
fn refused_stages(lines: &str) -> String {
    let graph = format!(
        "[[topology.graph.services]]\nname = \"ask\"\n{lines}\n\
         [[topology.graph.services]]\nname = \"notes\"\n"
    );
    let refused = refusal(&graph, "");
    refused.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn mistakes_in_stages_that_need_or_exclude_others() {
    let found = [
        "stages = [{ batch = {} }, { generate = {} }]",
        "stages = [{ cache = { entries = 5 } }, { cache = { entries = 5 } }]",
        "stages = [{ cache = {} }]",
        "stages = [{ search = {} }]",
        "stages = [{ embed = {} }, { search = { parts = 2, part = 2 } }]",
        "stages = [{ generate = { engine = { instances = 2 } } }]",
        "stages = [{ repeat = { stages = [{ repeat = { stages = [{ embed = {} }] } }] } }]",
        "stages = [{ repeat = { stages = [{ cache = { entries = 1 } }] } }]",
        "stages = [{ repeat = { stages = [] } }]",
        "stages = [{ codec = { size_factor = 1000 } }]\nresponse_bytes = 1048576",
        "stages = [{ calls = [{ service = \"notes\", parallel_with_previous = true }] }]",
        "stages = [{ guard = { blocked_share = 1.5 } }]",
    ];
    let found = found.map(refused_stages);
    insta::assert_snapshot!(found.join("\n"));
}

/// A handful of loops or fans, each within its own limits, is more calls than anybody waits for.
#[test]
fn calls_that_multiply_are_refused() {
    let looping = |name: &str, callee: &str| {
        format!(
            "[[topology.graph.services]]\nname = \"{name}\"\n\
             stages = [{{ repeat = {{ max_steps = 100, stages = [{{ calls = [{{ service = \"{callee}\" }}] }}] }} }}]\n"
        )
    };
    let graph = looping("ask", "think") + &looping("think", "look") + &services(&["look:"]);
    let refused = refusal(&graph, "");
    assert!(
        refused.contains("10,000") || refused.contains("10000"),
        "{refused}"
    );
    assert!(refused.contains("for one request"), "{refused}");
    let one = looping("ask", "look") + &services(&["look:"]);
    parse(&one, "").expect("a hundred calls are not too many");
}

/// What is said of the RAG system is not heard where there is none.
#[test]
fn tables_of_the_rag_system_beside_a_graph_are_refused() {
    let graph = format!(
        "[topology]\nbase = \"agent\"\n[topology.llm]\nmax_num_seqs = 3\n{}",
        ""
    );
    let refused = refusal(&graph, "");
    assert!(
        refused.contains("`topology.llm` is given, but the system is a graph"),
        "{refused}"
    );
}

#[test]
fn mistakes_in_stages() {
    let found = [
        "stages = { work = 1 }",
        "stages = [{ disk = {} }]",
        "stages = [{ disk = { read_bytes = 5, fsync = true } }]",
        "stages = [{ calls = [] }]",
        "stages = [{ calls = [{ service = \"nots\" }] }]",
        "stages = [{ wrok = { fixed = { ms = 1.0 } } }]",
        "stages = [{ work = { fixed = { ms = -1.0 } } }]",
        "stages = [{ rate_limit = { per_s = 0 } }]",
        "stages = [{ work = { fixed = { ms = 1.0 } } }]\nservice_time = { fixed = { ms = 3.0 } }",
        "stages = [{ calls = [{ service = \"notes\" }] }]\ncalls = [{ service = \"notes\" }]",
        "disk = { cached_share = 0.5 }",
    ];
    let found = found.map(refused_stages);
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn faults_that_have_nothing_to_act_on_in_a_graph() {
    let graph = services(&["frontend: cart", "cart:"]);
    let hold = "{ hold = { fixed = { ms = 5.0 } } }";
    let found = [
        fault("lock_contention", "{ service = \"cart\" }", hold),
        fault("oom", "{ instance = \"cart-0\" }", "{}"),
        fault("latency", "{ service = \"tax\" }", SLOW),
        fault("latency", "{ service = \"llm\" }", SLOW),
        fault("latency", "{ instance = \"cart-1\" }", SLOW),
        fault(
            "latency",
            "{ edge = { from = \"cart\", to = \"frontend\" } }",
            SLOW,
        ),
        fault(
            "latency",
            "{ edge = { from = \"gateway\", to = \"llm\" } }",
            SLOW,
        ),
    ];
    let found = found.map(|fault| refusal(&graph, &fault));
    insta::assert_snapshot!(found.join("\n"), @r#"
    graph.toml:19:50: `phases[1].faults[0].target.service` is cart, which has no lock: `lock_contention` cannot act on it; give it a `lock`
    graph.toml:19:38: `phases[1].faults[0].target.instance` is cart, which has memory without bounds: `oom` cannot act on it; give it a `memory`
    graph.toml:19:42: `phases[1].faults[0].target.service` is "tax", which the topology does not have; use one of `client`, `frontend`, `cart`
    graph.toml:19:42: `phases[1].faults[0].target.service` is "llm", which the topology does not have; use one of `client`, `frontend`, `cart`
    graph.toml:19:42: `phases[1].faults[0].target.instance` is "cart-1", which the topology does not have; use `cart-0`
    graph.toml:19:42: `phases[1].faults[0].target.edge` is cart to frontend, but cart never calls frontend; turn it round: `{ from = "frontend", to = "cart" }`
    graph.toml:19:51: `phases[1].faults[0].target.edge.from` is "gateway", which the topology does not have; use one of `client`, `frontend`, `cart`
    graph.toml:19:69: `phases[1].faults[0].target.edge.to` is "llm", which the topology does not have; use one of `client`, `frontend`, `cart`
    "#);
    let locked = services(&[
        "frontend: cart",
        "cart:, lock = { hold = { fixed = { ms = 1.0 } } }",
    ]);
    let fault = fault("lock_contention", "{ service = \"cart\" }", hold);
    assert!(parse(&locked, &fault).is_ok());
}

#[test]
fn expressions_know_the_services_of_their_own_system() {
    let graph = services(&["frontend: cart feature-flag", "cart:", "feature-flag:"]);
    let known = "odd.share.cart > calm.share.cart && odd.utilization.feature_flag < 1.0 \
                 && odd.share.client >= 0.0";
    assert!(parse_expecting(&graph, "", known).is_ok());
    let found = [
        (&*graph, "odd.share.card > 0.5"),
        (&*graph, "odd.share.llm > 0.5"),
        ("", "odd.utilization.cart > 0.5"),
    ];
    let found = found.map(|(graph, holds)| match parse_expecting(graph, "", holds) {
        Ok(_) => panic!("accepted: {holds}"),
        Err(errors) => errors.to_string(),
    });
    insta::assert_snapshot!(found.join("\n"), @r"
    graph.toml:25:1: `expect[0].holds` mentions `odd.share.card`, which is not a service; did you mean `cart`?
    graph.toml:25:1: `expect[0].holds` mentions `odd.share.llm`, which is not a service; use one of `cart`, `client`, `feature_flag`, `frontend`
    graph.toml:13:1: `expect[0].holds` mentions `odd.utilization.cart`, which is not a service; use one of `client`, `embedder`, `gateway`, `ingest_api`, `ingest_worker`, `llm`, `metadata`, `reranker`, `shard`, `vector_db`
    ");
}
