#!/usr/bin/env bash
# Drains an instance of a served region with the aws CLI, pages through a fleet, and asks for what AWS refuses.
set -euo pipefail
shopt -s inherit_errexit

url=$1
cluster=awscli group=awscli-asg hook=ecs-drain
topic=arn:aws:sns:eu-west-1:123456789012:ecs-drain-alerts
instance='' arn='' tasks='' # of the instance that is drained, once it is found
failed=0

# Words between spaces, the CLI's own exit status (by pipefail), and a minute at most, since its waiters take ten.
aws() { timeout --foreground 60 /usr/bin/aws --endpoint-url "$url" --output text "$@" | tr '\t' ' '; }
ecs() { aws ecs "$@"; }
autoscaling() { aws autoscaling "$@"; }

# check SENTENCE FUNCTION: says what it proved. Nothing may hang on its status, or bash would go on after errors in it.
check() {
  local status
  set +e
  (
    set -e
    "$2"
  )
  status=$?
  set -e
  if ((status == 0)); then
    echo "ok awscli: $1"
  else
    echo "FAILED awscli: $1"
    failed=1
  fi
}

fail() {
  echo "  $*"
  return 1
}

# equal FOUND WANTED
equal() { [[ $1 == "$2" ]] || fail "found '$1', not '$2'"; }

# each_once WANTED < WORDS: so many different ones, and none twice
each_once() {
  local found
  found=$(tr ' ' '\n' | sort)
  equal "$(wc -l <<<"$found")" "$1"
  equal "$(uniq <<<"$found" | wc -l)" "$1"
}

# refuses CODE TEXT COMMAND...: the CLI exits as it does when a service refuses, with AWS's own code and these words
refuses() {
  local code=$1 text=$2 status=0 said
  shift 2
  said=$("$@" 2>&1) || status=$?
  equal "$status" 254
  [[ $said == *"An error occurred ($code) when calling the "*"$text"* ]] || fail "it said: $said"
}

# eventually WANTED COMMAND...: runs it until it prints that, for half a minute
eventually() {
  local wanted=$1 until=$((SECONDS + 30)) found
  shift
  found=$("$@")
  while [[ $found != "$wanted" ]]; do
    if ((SECONDS > until)); then fail "last seen: '$found', not '$wanted'"; fi
    found=$("$@")
  done
}

state() {
  autoscaling describe-auto-scaling-instances --instance-ids "$instance" \
    --query 'AutoScalingInstances[].LifecycleState'
}

lists_clusters() {
  ecs list-clusters --query 'clusterArns[]' | each_once 4
  equal "$(ecs describe-clusters --clusters "$cluster" nowhere \
    --query '[clusters[0].clusterName, clusters[0].registeredContainerInstancesCount, failures[0].reason]')" \
    "$cluster 3 MISSING"
}

finds_the_instance() {
  equal "$(ecs describe-container-instances --cluster "$cluster" --container-instances "$arn" \
    --query 'containerInstances[].[ec2InstanceId, status, agentConnected, runningTasksCount]')" \
    "$instance ACTIVE True 3"
  ecs list-container-instances --cluster "$cluster" --query 'containerInstanceArns[]' | each_once 3
}

terminates_it() {
  equal "$(autoscaling terminate-instance-in-auto-scaling-group --instance-id "$instance" \
    --no-should-decrement-desired-capacity --query 'Activity.[AutoScalingGroupName, StatusCode]')" \
    "$group InProgress"
  eventually 'Terminating:Wait' state
}

describes_the_hook() {
  equal "$(autoscaling describe-lifecycle-hooks --auto-scaling-group-name "$group" --query \
    'LifecycleHooks[].[LifecycleHookName, LifecycleTransition, HeartbeatTimeout, GlobalTimeout, DefaultResult]')" \
    "$hook autoscaling:EC2_INSTANCE_TERMINATING 600 60000 CONTINUE"
}

sets_draining() {
  equal "$(ecs update-container-instances-state --cluster "$cluster" --container-instances "$arn" --status DRAINING \
    --query '[length(failures), containerInstances[0].status]')" "0 DRAINING"
}

watches_its_tasks_stop() {
  local until=$((SECONDS + 60)) told='' statuses='' on_the_way=''
  while ((SECONDS < until)); do
    told=$(ecs list-tasks --cluster "$cluster" --container-instance "$arn" --desired-status STOPPED \
      --query 'taskArns[]')
    [[ -n $told ]] || continue
    # shellcheck disable=SC2086 # a list
    statuses=$(ecs describe-tasks --cluster "$cluster" --tasks $told --query 'tasks[].lastStatus')
    if [[ $statuses == 'STOPPED STOPPED STOPPED' ]]; then break; fi
    on_the_way+=" $statuses"
  done
  equal "$statuses" 'STOPPED STOPPED STOPPED'
  equal "$(tr ' ' '\n' <<<"$told" | sort)" "$(tr ' ' '\n' <<<"$tasks" | sort)"
  [[ $on_the_way =~ DEACTIVATING|STOPPING|DEPROVISIONING ]] || fail "seen on the way: $on_the_way"
  # shellcheck disable=SC2086 # a list
  equal "$(ecs describe-tasks --cluster "$cluster" --tasks $tasks --query 'tasks[].stopCode')" \
    'ServiceSchedulerInitiated ServiceSchedulerInitiated ServiceSchedulerInitiated'
}

waiters_agree() {
  # shellcheck disable=SC2086 # a list
  ecs wait tasks-stopped --cluster "$cluster" --tasks $tasks
  ecs wait services-stable --cluster "$cluster" --services api
}

records_a_heartbeat() {
  autoscaling record-lifecycle-action-heartbeat --lifecycle-hook-name "$hook" --auto-scaling-group-name "$group" \
    --instance-id "$instance"
  equal "$(state)" 'Terminating:Wait'
}

completes_the_action() {
  autoscaling complete-lifecycle-action --lifecycle-hook-name "$hook" --auto-scaling-group-name "$group" \
    --instance-id "$instance" --lifecycle-action-result CONTINUE
  eventually '' state
  equal "$(ecs list-container-instances --cluster "$cluster" --query "contains(containerInstanceArns, '$arn')")" False
  # Another one is launched in its place.
  equal "$(autoscaling describe-auto-scaling-groups --auto-scaling-group-names "$group" --query \
    "AutoScalingGroups[].[DesiredCapacity, length(Instances), length(Instances[?InstanceId=='$instance'])]")" \
    '3 3 0'
}

refuses_a_finished_action() {
  refuses ValidationError "No active Lifecycle Action found with instance ID $instance" \
    autoscaling complete-lifecycle-action --lifecycle-hook-name "$hook" --auto-scaling-group-name "$group" \
    --instance-id "$instance" --lifecycle-action-result CONTINUE
}

fleet() { ecs list-container-instances --cluster fleet --query 'containerInstanceArns[]' "$@"; }

pages_by_itself() {
  # As text, the CLI applies a query to each page: a line for each.
  fleet | each_once 230
  equal "$(fleet | wc -l)" 3
  equal "$(fleet --page-size 30 | wc -l)" 8
  fleet --page-size 30 | each_once 230
  fleet --no-paginate | each_once 100
  autoscaling describe-auto-scaling-instances \
    --query "AutoScalingInstances[?AutoScalingGroupName=='fleet-asg'].InstanceId" | each_once 230
}

pages_as_asked() {
  local token='' all='' answer pages=0
  while ((pages == 0)) || [[ -n $token ]]; do
    answer=$(ecs list-container-instances --cluster fleet --output json --max-items 90 \
      ${token:+--starting-token "$token"})
    all+=$(grep -o 'arn:[^"]*' <<<"$answer")$'\n'
    token=$(sed -n 's/.*"NextToken": "\(.*\)".*/\1/p' <<<"$answer")
    pages=$((pages + 1))
  done
  equal "$pages" 3
  printf %s "$all" | each_once 230
}

publishes_an_alert() {
  local id
  id=$(aws sns publish --topic-arn "$topic" --subject 'drain <stuck>' --message 'é & 日本' --query MessageId)
  [[ $id =~ ^[0-9a-f-]{36}$ ]] || fail "the message id is '$id'"
  refuses NotFound 'Topic does not exist' aws sns publish --topic-arn "$topic-not" --message m
}

refuses_an_unknown_cluster() {
  refuses ClusterNotFoundException 'Cluster not found.' ecs list-tasks --cluster nowhere
}

refuses_unknown_operations() {
  refuses UnknownOperationException DeleteCluster ecs delete-cluster --cluster "$cluster"
  refuses InvalidAction DescribePolicies autoscaling describe-policies
}

refuses_eleven_at_once() {
  local eleven
  eleven=$(fleet --no-paginate --max-results 11)
  # shellcheck disable=SC2086 # a list
  refuses InvalidParameterException 'instanceIds can have at most 10 items.' \
    ecs update-container-instances-state --cluster fleet --status DRAINING --container-instances $eleven
}

tells_what_is_missing() {
  local unknown=00000000000000000000000000000000
  equal "$(ecs describe-container-instances --cluster fleet --container-instances "$unknown" \
    --query '[length(containerInstances), failures[0].reason]')" '0 MISSING'
  equal "$(ecs update-container-instances-state --cluster fleet --container-instances "$unknown" --status DRAINING \
    --query '[length(containerInstances), failures[0].reason]')" '0 MISSING'
}

refuses_a_heartbeat_out_of_bounds() {
  refuses ValidationError eartbeat autoscaling put-lifecycle-hook --lifecycle-hook-name "$hook" \
    --auto-scaling-group-name "$group" --heartbeat-timeout 29
}

/usr/bin/aws --version | cut -d ' ' -f 1

instance=$(autoscaling describe-auto-scaling-groups --auto-scaling-group-names "$group" \
  --query 'AutoScalingGroups[0].Instances[0].InstanceId')
arn=$(ecs list-container-instances --cluster "$cluster" --query 'containerInstanceArns[]' \
  --filter "ec2InstanceId in ['$instance', 'i-0123456789abcdef0']")
tasks=$(ecs list-tasks --cluster "$cluster" --container-instance "$arn" --query 'taskArns[]')

check 'lists the clusters and describes ours, and says which cluster is missing' lists_clusters
check "finds the container instance of one of its group's instances by a filter on ec2InstanceId" finds_the_instance
check 'terminates the instance in its group and sees it held at Terminating:Wait' terminates_it
check 'describes the hook that holds it' describes_the_hook
check 'sets the container instance to DRAINING' sets_draining
check 'watches every task stop, on the way from RUNNING to STOPPED for a while' watches_its_tasks_stop
check 'its own waiters agree: the tasks have stopped and the service is stable' waiters_agree
check 'records a heartbeat, and the instance still waits' records_a_heartbeat
check 'completes the lifecycle action, sees the instance leave, and another launched for it' completes_the_action
check 'a finished lifecycle action cannot be completed again: ValidationError' refuses_a_finished_action
check 'pages by itself through 230 instances in ECS and in Auto Scaling, each exactly once' pages_by_itself
check 'goes from one --starting-token to the next and gets each of the 230 exactly once' pages_as_asked
check 'publishes to the alert topic, and an unknown topic is NotFound' publishes_an_alert
check 'an unknown cluster is ClusterNotFoundException' refuses_an_unknown_cluster
check 'operations that the embedded AWS lacks are refused as AWS refuses unknown ones' refuses_unknown_operations
check 'eleven instances in one UpdateContainerInstancesState are InvalidParameterException' refuses_eleven_at_once
check 'an unknown container instance is a failure MISSING, not an error' tells_what_is_missing
check 'a heartbeat of 29 s in PutLifecycleHook is ValidationError' refuses_a_heartbeat_out_of_bounds

exit "$failed"
