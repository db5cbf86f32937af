/// A run on Kubernetes: coordinator and learner as StatefulSets with a volume each, actors as a Deployment that may be scaled at any time.
public struct KubernetesManifest: Equatable, Sendable {
    public var image = "apus:latest"
    public var name = "apus"
    public var actors = 4
    /// A preset or a run file inside the image.
    public var run = "cartpole"

    public init() {}

    /// Names that Kubernetes takes for all of its objects.
    public static func isName(_ text: String) -> Bool {
        text.utf8.count <= 40 && text.first?.isLetter == true && text.last != "-"
            && text.allSatisfy { $0.isASCII && ($0.isNumber || $0 == "-" || $0.isLowercase) }
    }

    public var text: String {
        """
        # Made by: apus spawn --print kubernetes
        # The keys come first: apus keys writes them, and a secret for each role holds them.
        \([coordinatorService, coordinator, learnerService, learner, actor, network].joined(separator: "\n---\n"))

        """
    }

    // MARK: Parts

    private func metadata(_ role: String) -> String {
        """
        metadata:
          name: \(name)-\(role)
          labels: {app.kubernetes.io/name: apus, app.kubernetes.io/instance: \(name), app.kubernetes.io/component: \(role)}
        """
    }

    private func labels(_ role: String) -> String { "{app.kubernetes.io/instance: \(name), app.kubernetes.io/component: \(role)}" }

    private func podLabels(_ role: String) -> String {
        "{app.kubernetes.io/name: apus, app.kubernetes.io/instance: \(name), app.kubernetes.io/component: \(role)}"
    }

    /// Without a cluster address: its name is the pod's address.
    private func service(_ role: String, ports: [(name: String, number: Int)]) -> String {
        """
        apiVersion: v1
        kind: Service
        \(metadata(role))
        spec:
          clusterIP: None
          publishNotReadyAddresses: true
          selector: \(labels(role))
          ports:
        \(ports.map { "    - {name: \($0.name), port: \($0.number)}" }.joined(separator: "\n"))
        """
    }

    /// Where members and commands come, and where metrics and health are read.
    private static let coordinatorPorts = [(name: "control", number: 7700), (name: "http", number: 7780)]

    private var coordinatorService: String { service("coordinator", ports: Self.coordinatorPorts) }
    private var learnerService: String { service("learner", ports: [(name: "control", number: 7701)]) }

    private var podSecurity: String {
        """
        securityContext:
          runAsNonRoot: true
          runAsUser: 10001
          runAsGroup: 10001
          fsGroup: 10001
          seccompProfile: {type: RuntimeDefault}
        automountServiceAccountToken: false
        """
    }

    private var containerSecurity: String {
        """
        securityContext:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
          capabilities: {drop: [ALL]}
        """
    }

    private func resources(cpu: String, memory: String) -> String {
        """
        resources:
          requests: {cpu: "\(cpu)", memory: \(memory)}
          limits: {memory: \(memory)}
        """
    }

    /// An end after SIGTERM is the cluster's wish, and the pod comes back with the run's directory. Any other end in order is the run's:
    /// the pod stays as it is until somebody scales it down, instead of leading a finished run again and again.
    private func supervised(_ lines: String) -> String {
        """
        stopped=
        trap 'stopped=1; kill -TERM "$role"' TERM
        \(lines) &
        role=$!
        code=0
        wait "$role" || code=$?
        while kill -0 "$role" 2>/dev/null; do code=0; wait "$role" || code=$?; done
        if [ -z "$stopped" ] && [ "$code" -eq 0 ]; then
          echo "the run is over: scale this down"
          sleep infinity &
          role=$!
          wait "$role"
        fi
        exit "$code"
        """
    }

    private func indented(_ text: String, by spaces: Int) -> String {
        let indent = String(repeating: " ", count: spaces)
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "" : indent + $0 }.joined(separator: "\n")
    }

    private func container(
        _ role: String, script: String, ports: [(name: String, number: Int)] = [], cpu: String, memory: String, probes: String, mounts: [String]
    ) -> String {
        let ports = ports.isEmpty ? "" : "\nports:" + ports.map { "\n  - {name: \($0.name), containerPort: \($0.number)}" }.joined()
        return """
            - name: \(role)
              image: \(image)
              command: [/bin/sh, -c]
              args:
                - |
            \(indented(script, by: 6))\(indented(ports, by: 2))
            \(indented(probes, by: 2))
            \(indented(resources(cpu: cpu, memory: memory), by: 2))
            \(indented(containerSecurity, by: 2))
              volumeMounts:
            \(indented((["- {name: keys, mountPath: /keys, readOnly: true}", "- {name: tmp, mountPath: /tmp}"] + mounts).joined(separator: "\n"), by: 4))
            """
    }

    private func pod(_ role: String, grace: Int, container: String) -> String {
        """
        template:
          metadata:
            labels: \(podLabels(role))
          spec:
            terminationGracePeriodSeconds: \(grace)
        \(indented(podSecurity, by: 4))
            containers:
        \(indented(container, by: 6))
            volumes:
              - {name: keys, secret: {secretName: \(name)-\(role)-keys, defaultMode: 288}}
              - {name: tmp, emptyDir: {medium: Memory, sizeLimit: 64Mi}}
        """
    }

    private func statefulSet(_ role: String, storage: String, pod: String) -> String {
        """
        apiVersion: apps/v1
        kind: StatefulSet
        \(metadata(role))
        spec:
          replicas: 1
          serviceName: \(name)-\(role)
          selector:
            matchLabels: \(labels(role))
        \(indented(pod, by: 2))
          volumeClaimTemplates:
            - metadata: {name: runs}
              spec:
                accessModes: [ReadWriteOnce]
                resources: {requests: {storage: \(storage)}}
        """
    }

    private var coordinatorAddress: String { "tcp://\(name)-coordinator:7700" }

    private var coordinator: String {
        let script = supervised(
            """
            if [ -d /runs/run ]; then set -- --run /runs/run; else set -- --run \(Shell.quoted(run)) --runs /runs --name run; fi
            apus-coordinator "$@" --bind tcp://0.0.0.0:7700 --keys /keys --http 0.0.0.0:7780 --http-open
            """)
        // After the run's end nobody answers there, and the pod must stay: so whether it lives is asked as of the other roles.
        let probes = """
            startupProbe: {httpGet: {path: /healthz, port: http}, periodSeconds: 2, failureThreshold: 60}
            readinessProbe: {httpGet: {path: /readyz, port: http}, periodSeconds: 5}
            \(Self.alive)
            """
        return statefulSet(
            "coordinator", storage: "1Gi",
            pod: pod(
                "coordinator", grace: 60,
                container: container(
                    "coordinator", script: script, ports: Self.coordinatorPorts, cpu: "250m", memory: "256Mi", probes: probes,
                    mounts: ["- {name: runs, mountPath: /runs}"])))
    }

    private var learner: String {
        let script = supervised(
            "apus-learner --coordinator \(coordinatorAddress) --runs /runs --bind 0.0.0.0 --advertise \"$HOSTNAME.\(name)-learner\" --keys /keys")
        return statefulSet(
            "learner", storage: "20Gi",
            pod: pod(
                "learner", grace: 120,
                container: container(
                    "learner", script: script, cpu: "2", memory: "4Gi", probes: Self.alive,
                    mounts: ["- {name: runs, mountPath: /runs}"])))
    }

    private var actor: String {
        """
        apiVersion: apps/v1
        kind: Deployment
        \(metadata("actor"))
        spec:
          replicas: \(actors)
          selector:
            matchLabels: \(labels("actor"))
          strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 25%, maxSurge: 25%}}
        \(indented(pod("actor", grace: 15, container: container(
            "actor", script: supervised("apus-actor --coordinator \(coordinatorAddress) --keys /keys"), cpu: "1", memory: "512Mi",
            probes: Self.alive, mounts: [])), by: 2))
        """
    }

    /// A role that is stopped or dead is started anew; `sleep` is what is left after the run's end.
    private static let alive = """
        livenessProbe:
          exec:
            command:
              - /bin/sh
              - -c
              - >-
                for file in /proc/[0-9]*/stat; do read -r line <"$file" || continue;
                case $line in *'(apus-'*') '[RSD]*|*'(sleep) '[RSD]*) exit 0 ;; esac; done 2>/dev/null; exit 1
          initialDelaySeconds: 5
          periodSeconds: 10
          failureThreshold: 3
        """

    /// Only the parts of this run reach each other.
    private var network: String {
        """
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata:
          name: \(name)
          labels: {app.kubernetes.io/name: apus, app.kubernetes.io/instance: \(name)}
        spec:
          podSelector:
            matchLabels: {app.kubernetes.io/instance: \(name)}
          policyTypes: [Ingress]
          ingress:
            - from:
                - podSelector:
                    matchLabels: {app.kubernetes.io/instance: \(name)}
        """
    }
}
